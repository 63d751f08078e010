//! What a replay prints.

use serde_json::{Value, json};

use crate::{NOON, Sandbox, request};

const POLICY: &str = "
lists: { allow: [{ ip: 198.51.100.0/24 }], deny: [{ user: mallory }] }
rules:
  - { name: client, match: { path: \"/api/{*rest}\" }, key: ip, limits: [2 per minute, 9 per hour] }
  - { name: trial, mode: shadow, limits: 3 per minute }
  - { name: old, mode: off, limits: 1/s }
";

fn log() -> String {
    [
        request(0, "192.0.2.1", "-", "/api/a"),
        request(0, "192.0.2.1", "-", "/api/a"),
        request(1, "192.0.2.1", "-", "/api/a?b"),
        request(2, "2001:db8::1", "-", "/api/a"),
        "\nnot a request\n".to_owned(),
        request(1, "192.0.2.1", "-", "/api/a"),
        request(59, "198.51.100.7", "-", "/api/a"),
        request(62, "192.0.2.9", "mallory", "/api/a"),
        request(62, "192.0.2.9", "-", "/page"),
    ]
    .concat()
}

fn sandbox() -> Sandbox {
    let policy = POLICY.replace("2 per minute", "4 per minute");
    Sandbox::with_policy(POLICY).file("wider.yaml", policy).file("access.log", log())
}

/// The versions are hashes: what is compared has none.
fn without_version(text: &str) -> String {
    let mut parts = text.split("(version ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| whole + "(version …)" + part.split_once(')').unwrap().1)
}

#[test]
fn the_summary_for_people() {
    let out = sandbox().run(&["replay", "--policy", "policy.yaml", "access.log"]).success();
    let expected = "\
access.log: 8 requests, 2026-03-03 12:00:00 to 12:01:02 UTC
  1 request is dated before a request on an earlier line
  1 line is not a request:
    line 6: no time in brackets, such as [17/May/2015:10:05:03 +0000], in `not a request`

policy.yaml (version …): 3 refused of 8 requests (37.5 %), 1 on the allow list, 1 on the deny list

  rule      applied to       refused    share
  client             5             2   40.0 %
                                   2  2 per 1m (token_bucket)
                                   0  9 per 1h (token_bucket)
  trial              6             1   16.7 %  shadow: would have refused
                                   1  3 per 1m (token_bucket)
  old                0             0        –  off

  Refused most (1 subject in all; times in UTC)
             2  192.0.2.1  client  2026-03-03 12:00:01

  Timeline (UTC; █ passed, ▒ refused)                                     requests    refused
";
    let out = without_version(&out);
    let (head, rows) = out.split_at(expected.len().min(out.len()));
    assert_eq!(head, expected);
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows.len(), 13, "{out}");
    let bar = |passed: usize, refused: usize| "█".repeat(passed) + &"▒".repeat(refused);
    let first = format!("  2026-03-03 12:00:00  {}          5          2", bar(28, 20));
    assert_eq!(rows[0], first);
    assert_eq!(rows[1], format!("  2026-03-03 12:00:05  {:48}          0", ""));
    assert_eq!(rows[12], format!("  2026-03-03 12:01:00  {:48}          2          1", bar(10, 10)));
}

#[test]
fn the_difference_of_two_policies() {
    let sandbox = sandbox();
    let arguments = [
        "replay",
        "-p",
        "policy.yaml",
        "--compare",
        "wider.yaml",
        "access.log",
    ];
    let out = sandbox.run(&arguments).success();
    let (_, difference) = out.split_once("\nDifference\n").unwrap();
    let expected = "             1  refused by both
             2  refused by policy.yaml only
             2    by client
             0  refused by wider.yaml only

  They differ most on (1 subject in all; times in UTC)
             2  192.0.2.1  refused by policy.yaml, client; first 2026-03-03 12:00:01, line 3
";
    assert_eq!(difference, expected);
    let same = ["replay", "-p", "policy.yaml", "-c", "policy.yaml", "access.log"];
    let out = sandbox.run(&same).success();
    assert!(out.ends_with("3  refused by both\n             0  refused by policy.yaml only\n             0  refused by policy.yaml only\n"), "{out}");
}

#[test]
fn the_summary_for_programs() {
    let sandbox = sandbox();
    let arguments = [
        "replay",
        "--policy",
        "policy.yaml",
        "--compare",
        "wider.yaml",
        "--format",
        "json",
        "access.log",
    ];
    let summary: Value = serde_json::from_str(&sandbox.run(&arguments).success()).unwrap();
    let expected = [
        ("/logs", json!(["access.log"])),
        ("/lines", json!(10)),
        ("/blank", json!(1)),
        ("/requests", json!(8)),
        ("/unparsed/count", json!(1)),
        ("/unparsed/first/0/line", json!(6)),
        ("/out_of_order", json!(1)),
        ("/first_us", json!(NOON * 1_000_000)),
        ("/last_us", json!((NOON + 62) * 1_000_000)),
        ("/policy/file", json!("policy.yaml")),
        ("/policy/allowed", json!(5)),
        ("/policy/refused", json!(3)),
        ("/policy/delayed", json!(0)),
        ("/policy/allow_list", json!(1)),
        ("/policy/deny_list", json!(1)),
        ("/policy/no_rule", json!(0)),
        (
            "/policy/rules/0",
            json!({ "rule": "client", "mode": "enforce", "requests": 5, "refused": 2, "limits": [
                { "limit": "2 per 1m (token_bucket)", "refused": 2 }, { "limit": "9 per 1h (token_bucket)", "refused": 0 },
            ] }),
        ),
        ("/policy/rules/1/mode", json!("shadow")),
        ("/policy/rules/2/mode", json!("off")),
        ("/policy/refused_subjects", json!(1)),
        (
            "/policy/top_refused",
            json!([{ "rule": "client", "key": ["192.0.2.1"], "refused": 2,
                "first_us": (NOON + 1) * 1_000_000, "last_us": (NOON + 1) * 1_000_000 }]),
        ),
        ("/policy/timeline/0/refused", json!(2)),
        ("/compare/refused", json!(1)),
        ("/difference/refused_by_both", json!(1)),
        ("/difference/refused_by_policy_only", json!(2)),
        ("/difference/refused_by_compare_only", json!(0)),
        ("/difference/by_policy_only", json!([{ "rules": ["client"], "refused": 2 }])),
        (
            "/difference/top/0",
            json!({ "refused_by": "policy", "rules": ["client"], "key": ["192.0.2.1"], "refused": 2,
                "log": "access.log", "line": 3, "time_us": (NOON + 1) * 1_000_000 }),
        ),
    ];
    for (pointer, value) in expected {
        assert_eq!(summary.pointer(pointer), Some(&value), "{pointer}");
    }
}

#[test]
fn a_queue_delays_and_requests_without_a_rule_are_told() {
    let policy = "rules: [{ name: q, match: { path: /q }, limits: [{ rate: 1 per 10s, algorithm: leaky_bucket, max_delay: 15s }] }]";
    let log = [
        request(0, "192.0.2.1", "-", "/q"),
        request(0, "192.0.2.1", "-", "/q"),
        request(0, "192.0.2.1", "-", "/"),
    ];
    let sandbox = Sandbox::with_policy(policy).file("access.log", log.concat());
    let out = sandbox.run(&["replay", "-p", "policy.yaml", "access.log"]).success();
    assert!(out.contains("0 refused of 3 requests (0.0 %), 1 delayed, 1 without a rule\n"), "{out}");
    assert!(!out.contains("Refused most"), "{out}");
}

#[test]
fn an_empty_log_has_no_requests() {
    let sandbox = Sandbox::with_policy(POLICY).file("access.log", "");
    let out = sandbox.run(&["replay", "-p", "policy.yaml", "access.log"]).success();
    assert!(out.starts_with("access.log: 0 requests\n\npolicy.yaml "), "{out}");
    assert!(out.contains(": 0 refused of 0 requests\n"), "{out}");
    let out = sandbox.run(&["replay", "-p", "policy.yaml", "--format", "json", "access.log"]).success();
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&summary["requests"], &summary["first_us"]), (&json!(0), &Value::Null));
}

#[test]
fn the_list_of_subjects_is_as_long_as_wanted() {
    let log: String = (1..=12)
        .flat_map(|n| std::iter::repeat_n(request(n, &format!("192.0.2.{n}"), "-", "/"), 3))
        .collect();
    let sandbox =
        Sandbox::with_policy("rules: [{ name: r, key: ip, limits: 1 per hour }]").file("access.log", log);
    let subjects = |top| {
        let out = sandbox.run(&["replay", "-p", "policy.yaml", "--top", top, "access.log"]).success();
        out.lines().filter(|line| line.contains("  192.0.2.")).count()
    };
    assert_eq!([subjects("0"), subjects("3"), subjects("99")], [0, 3, 12]);
}
