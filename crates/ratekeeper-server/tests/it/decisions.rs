//! The decisions file, against lines computed by hand from the definitions of the algorithms.

use crate::{NOON, Sandbox, request};

/// One expected decision, times in seconds: line, seconds after noon, rule, limit, key, allowed, remaining, retry, reset, delay.
type Row<'a> = (u64, i64, &'a str, u64, &'a str, bool, u64, Option<u64>, u64, Option<u64>);

fn lines(rows: &[Row<'_>]) -> String {
    let micros =
        |seconds: Option<u64>| seconds.map_or("null".to_owned(), |seconds| (seconds * 1_000_000).to_string());
    rows.iter()
        .map(|&(line, at, rule, limit, key, allowed, remaining, retry, reset, delay)| {
            let time = NOON.checked_add_signed(at).unwrap() * 1_000_000;
            format!(
                "{{\"line\":{line},\"time_us\":{time},\"rule\":\"{rule}\",\"limit\":{limit},\"key\":[{key}],\"allowed\":{allowed},\
                \"remaining\":{remaining},\"retry_after_us\":{},\"reset_after_us\":{},\"delay_us\":{}}}\n",
                micros(retry), micros(Some(reset)), micros(delay)
            )
        })
        .collect()
}

#[track_caller]
fn decides(policy: &str, log: &str, expected: &[Row<'_>]) {
    let sandbox = Sandbox::with_policy(policy).file("access.log", log);
    assert_eq!(sandbox.decisions(), lines(expected));
}

const A: &str = "\"192.0.2.1\"";

#[test]
fn a_token_bucket_while_the_clock_steps_back_and_lines_are_no_requests() {
    let at = |seconds| request(seconds, "192.0.2.1", "-", "/");
    let log = [
        at(0),
        at(0),
        "\n".into(),
        "noise\n".into(),
        at(10),
        at(-5),
        at(30),
    ]
    .concat();
    decides(
        "rules: [{ name: client, key: ip, limits: 2 per minute }]",
        &log,
        &[
            (1, 0, "client", 0, A, true, 1, Some(0), 30, None),
            (2, 0, "client", 0, A, true, 0, Some(0), 60, None),
            (5, 10, "client", 0, A, false, 0, Some(20), 50, None),
            (6, -5, "client", 0, A, false, 0, Some(35), 65, None),
            (7, 30, "client", 0, A, true, 0, Some(0), 60, None),
        ],
    );
}

#[test]
fn a_queue_tells_the_delay_of_what_it_accepts() {
    let at = |seconds| request(seconds, "192.0.2.1", "-", "/");
    decides(
        "rules: [{ name: q, limits: [{ rate: 1 per 10s, algorithm: leaky_bucket, max_delay: 15s }] }]",
        &[at(0), at(0), at(0), at(6)].concat(),
        &[
            (1, 0, "q", 0, "", true, 1, Some(0), 10, Some(0)),
            (2, 0, "q", 0, "", true, 0, Some(0), 20, Some(10)),
            (3, 0, "q", 0, "", false, 0, Some(5), 20, None),
            (4, 6, "q", 0, "", true, 0, Some(0), 24, Some(14)),
        ],
    );
}

#[test]
fn several_rules_and_limits_are_one_batch_and_a_shadow_rides_along() {
    let policy = "
rules:
  - { name: all, limits: 3 per minute (fixed_window) }
  - { name: client, key: ip, limits: [2 per 60s (sliding_window), 3 per hour] }
  - { name: trial, mode: shadow, key: user, limits: 1 per minute }
";
    let log = [
        request(0, "2001:db8:1:2::a", "ann", "/"),
        request(0, "2001:db8:1:2:ffff::b", "ann", "/"),
        request(15, "2001:db8:1:2::c", "-", "/"),
        request(15, "::ffff:192.0.2.1", "bob", "/"),
    ]
    .concat();
    let v6 = "\"2001:db8:1:2::/64\"";
    decides(
        policy,
        &log,
        &[
            (1, 0, "all", 0, "", true, 2, Some(0), 60, None),
            (1, 0, "client", 0, v6, true, 1, Some(0), 120, None),
            (1, 0, "client", 1, v6, true, 2, Some(0), 1200, None),
            (1, 0, "trial", 0, "\"ann\"", true, 0, Some(0), 60, None),
            (2, 0, "all", 0, "", true, 1, Some(0), 60, None),
            (2, 0, "client", 0, v6, true, 0, Some(0), 120, None),
            (2, 0, "client", 1, v6, true, 1, Some(0), 2400, None),
            (2, 0, "trial", 0, "\"ann\"", false, 0, Some(60), 60, None),
            // Refused by one limit: nothing is taken from the others, which would have let it pass.
            (3, 15, "all", 0, "", true, 1, Some(0), 45, None),
            (3, 15, "client", 0, v6, false, 0, Some(75), 105, None),
            (3, 15, "client", 1, v6, true, 1, Some(0), 2385, None),
            (4, 15, "all", 0, "", true, 0, Some(0), 45, None),
            (4, 15, "client", 0, A, true, 1, Some(0), 105, None),
            (4, 15, "client", 1, A, true, 2, Some(0), 1200, None),
            (4, 15, "trial", 0, "\"bob\"", true, 0, Some(0), 60, None),
        ],
    );
}

#[test]
fn costs_multiply_and_what_can_never_pass_has_no_retry() {
    let line = |path, cost| {
        format!("{{\"time\":{NOON},\"ip\":\"192.0.2.1\",\"path\":\"{path}?q=1\",\"cost\":{cost}}}\n")
    };
    let log = [
        line("/x", "3"),
        line("/x", "9"),
        line("/x", "18446744073709551615"),
        line("/y", "9223372036854775809"),
        line("/y", "1"),
        line("/x", "0"),
    ];
    decides(
        "rules: [{ name: c, key: [ip, path], limits: 5 per minute, cost: { /y: 2 } }]",
        &log.concat(),
        &[
            (1, 0, "c", 0, "\"192.0.2.1\",\"/x\"", true, 2, Some(0), 36, None),
            (2, 0, "c", 0, "\"192.0.2.1\",\"/x\"", false, 2, None, 36, None),
            (3, 0, "c", 0, "\"192.0.2.1\",\"/x\"", false, 2, None, 36, None),
            (4, 0, "c", 0, "\"192.0.2.1\",\"/y\"", false, 5, None, 0, None),
            (5, 0, "c", 0, "\"192.0.2.1\",\"/y\"", true, 3, Some(0), 24, None),
            (6, 0, "c", 0, "\"192.0.2.1\",\"/x\"", true, 2, Some(0), 36, None),
        ],
    );
}

#[test]
fn an_override_counts_its_own_limits_and_a_list_none() {
    let policy = "
lists: { allow: [{ user: vip }], deny: [{ user: mallory }] }
rules:
  - { name: r, key: user, limits: 1 per minute, overrides: [{ user: acme, limits: [2 per minute, 3 per hour] }] }
  - { name: off, mode: off, limits: 1 per minute }
";
    let log = ["vip", "mallory", "acme", "ann"].map(|user| request(0, "192.0.2.1", user, "/"));
    decides(
        policy,
        &log.concat(),
        &[
            (3, 0, "r", 0, "\"acme\"", true, 1, Some(0), 30, None),
            (3, 0, "r", 1, "\"acme\"", true, 2, Some(0), 1200, None),
            (4, 0, "r", 0, "\"ann\"", true, 0, Some(0), 60, None),
        ],
    );
}

#[test]
fn microseconds_of_json_logs_count() {
    let log = format!(
        "{{\"ts\":{NOON}.5,\"remote_ip\":\"192.0.2.1\"}}\n{{\"ts\":{NOON}.500001,\"remote_ip\":\"192.0.2.1\"}}\n"
    );
    let sandbox = Sandbox::with_policy("rules: [{ name: r, limits: 1 per 1s }]").file("access.log", log);
    let expected = format!(
        "{{\"line\":1,\"time_us\":{NOON}500000,\"rule\":\"r\",\"limit\":0,\"key\":[],\"allowed\":true,\"remaining\":0,\"retry_after_us\":0,\"reset_after_us\":1000000,\"delay_us\":null}}\n\
        {{\"line\":2,\"time_us\":{NOON}500001,\"rule\":\"r\",\"limit\":0,\"key\":[],\"allowed\":false,\"remaining\":0,\"retry_after_us\":999999,\"reset_after_us\":999999,\"delay_us\":null}}\n"
    );
    assert_eq!(sandbox.decisions(), expected);
}
