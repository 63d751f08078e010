//! Input that nobody would write in earnest.

use serde_json::Value;

use crate::{NOON, Sandbox, request};

const POLICY: &str = "
rules:
  - { name: user, key: user, limits: 1 per hour }
  - { name: path, key: [path, header:user-agent], limits: 1 per hour }
  - { name: client, key: ip, limits: 1 per hour }
";

/// Nothing in a summary steers a terminal.
fn is_plain(text: &str) -> bool {
    text.chars().all(|letter| letter == '\n' || !letter.is_control())
}

#[test]
fn texts_of_a_log_never_reach_the_terminal_as_they_are() {
    let evil = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}";
    let mut log = String::new();
    for _ in 0..3 {
        log += &request(0, "192.0.2.1", evil, &format!("/{evil}"));
        log += &request(0, &format!("host{evil}"), r"\x1b[2J", r"/\x1b[2J%1b");
        let json = serde_json::to_string(evil).unwrap();
        log += &format!(
            "{{\"time\":{NOON},\"client\":{json},\"user\":{json},\"path\":{json},\"user_agent\":{json}}}\n"
        );
    }
    log += &format!("{evil}\n{{\"{evil}\n[{evil}] \"{evil}\" x [03/Mar/2026:12:00:00 +0000] \"{evil}\" 1\n");
    let sandbox = Sandbox::with_policy(POLICY)
        .file("wide.yaml", POLICY.replace('1', "2"))
        .file("a\u{1b}[2J.log", log);
    let arguments = [
        "replay",
        "-p",
        "policy.yaml",
        "-c",
        "wide.yaml",
        "--decisions",
        "decisions",
        "a\u{1b}[2J.log",
    ];
    let out = sandbox.run(&arguments).success();
    assert!(out.contains("Refused most") && out.contains("are not requests"), "{out}");
    assert!(is_plain(&out) && !out.contains('\u{202e}'), "{out:?}");
    assert!(is_plain(&sandbox.read("decisions")));
    let out = sandbox
        .run(&[
            "replay",
            "-p",
            "policy.yaml",
            "--format",
            "json",
            "a\u{1b}[2J.log",
        ])
        .success();
    assert!(is_plain(&out), "{out:?}");
}

#[test]
fn lines_that_do_not_parse_are_counted_with_their_numbers_and_stop_nothing() {
    let mut log = Vec::new();
    for number in 1..=2000 {
        if number % 2 == 0 {
            log.extend_from_slice(request(0, "192.0.2.1", "-", "/").as_bytes());
        } else {
            log.extend_from_slice(b"\x00\xfe\xff {\"\x1b\r\n");
        }
    }
    let sandbox = Sandbox::with_policy(POLICY).file("a.log", log);
    let out = sandbox.run(&["replay", "-p", "policy.yaml", "a.log"]).success();
    assert!(out.starts_with("a.log: 1,000 requests"), "{out}");
    assert!(out.contains("\n  1,000 lines are not requests:\n    line 1: "), "{out}");
    assert!(out.contains("\n    line 19: "), "{out}");
    assert!(
        out.contains("\n    and line 21, line 23, ") && out.contains(", line 119 and 940 more\n"),
        "{out}"
    );
    let out = sandbox.run(&["replay", "-p", "policy.yaml", "--format", "json", "a.log"]).success();
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(summary["unparsed"]["count"], 1000);
    assert_eq!(summary["unparsed"]["first"][999]["line"], 1999);
}

#[test]
fn binary_garbage_is_no_request_and_no_failure() {
    let mut state = 1_u32;
    let garbage: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(300_000)
    .collect();
    let sandbox = Sandbox::with_policy(POLICY).file("a.log", garbage);
    let out = sandbox.run(&["replay", "-p", "policy.yaml", "a.log"]).success();
    assert!(out.starts_with("a.log: 0 requests\n") && out.contains("lines are not requests"), "{out}");
}

#[test]
fn instants_at_the_ends_of_time_are_replayed() {
    let log = "{\"ts_us\":0,\"ip\":\"192.0.2.1\"}\n{\"ts_us\":9007199254740991,\"ip\":\"192.0.2.1\"}\n\
        {\"ts_us\":9007199254740992,\"ip\":\"192.0.2.1\"}\n{\"ts_us\":5,\"ip\":\"192.0.2.1\"}\n";
    let sandbox = Sandbox::with_policy(POLICY).file("a.log", log);
    let out = sandbox.run(&["replay", "-p", "policy.yaml", "a.log"]).success();
    assert!(
        out.starts_with("a.log: 3 requests, 1970-01-01 00:00:00 to 2255-06-05 23:47:34 UTC\n"),
        "{out}"
    );
    assert!(out.contains("line 3: bad time"), "{out}");
}

#[cfg(target_os = "linux")]
#[test]
fn one_line_of_100_megabytes_needs_little_memory() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let sandbox = Sandbox::with_policy(POLICY);
    let mut command = Command::new("sh");
    // 128 MiB of address space for all, the program itself included.
    command.args([
        "-c",
        "ulimit -v 131072 && exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_ratekeeper"),
    ]);
    command.args(["replay", "-p", "policy.yaml", "-"]).current_dir(sandbox.path("."));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let finished: crate::Finished = std::thread::scope(|scope| {
        scope.spawn(move || {
            let megabyte = vec![b'a'; 1_000_000];
            for _ in 0..100 {
                stdin.write_all(&megabyte)?;
            }
            stdin.write_all(format!("\n{}", request(0, "192.0.2.1", "-", "/")).as_bytes())
        });
        child.wait_with_output().unwrap().into()
    });
    let out = finished.success();
    assert!(out.starts_with("standard input: 1 request, "), "{out}");
    assert!(out.contains("line 1: the line has 100000000 bytes"), "{out}");
}
