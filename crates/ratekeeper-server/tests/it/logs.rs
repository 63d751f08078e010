//! Logs in every form: compressed, from standard input, several, missing, cut off.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Sandbox, request};

const POLICY: &str = "rules: [{ name: r, key: ip, limits: 2 per hour }]";

fn gzip(plain: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn log(count: i64) -> String {
    (0..count)
        .map(|n| request(n % 3600, &format!("192.0.2.{}", n % 97), "-", &format!("/{}", n * 7919)))
        .collect()
}

#[test]
fn a_log_is_the_same_plain_compressed_and_from_standard_input() {
    let plain = log(300);
    let sandbox = Sandbox::with_policy(POLICY).file("a.log", &plain).file("b.log", gzip(&plain));
    let arguments = ["replay", "-p", "policy.yaml", "--decisions", "decisions"];
    let with = |log: &'static str, input: &[u8]| {
        let out = sandbox.run_with_input(&[&arguments[..], &[log]].concat(), input).success();
        (out.split_once(": 300 requests").unwrap().1.to_owned(), sandbox.read("decisions"))
    };
    let expected = with("a.log", b"");
    assert_eq!(expected.1.lines().count(), 300);
    assert_eq!(with("b.log", b""), expected);
    assert_eq!(with("-", plain.as_bytes()), expected);
    assert_eq!(with("-", &gzip(&plain)), expected);
}

#[test]
fn several_logs_share_their_counters_and_are_named() {
    let one = request(0, "192.0.2.1", "-", "/");
    let sandbox = Sandbox::with_policy(POLICY)
        .file("a.log", [one.as_str(), "x\n", &one].concat())
        .file("b.log", &one)
        .file("wide.yaml", POLICY.replace('2', "9"));
    let arguments = [
        "replay",
        "-p",
        "policy.yaml",
        "-c",
        "wide.yaml",
        "--decisions",
        "decisions",
        "a.log",
        "b.log",
        "-",
    ];
    let out = sandbox.run_with_input(&arguments, b"\xff\n").success();
    assert!(out.starts_with("a.log, b.log, standard input: 3 requests"), "{out}");
    assert!(
        out.contains("    a.log, line 2: no time") && out.contains("    standard input, line 1: "),
        "{out}"
    );
    assert!(out.ends_with("first 2026-03-03 12:00:00, b.log, line 1\n"), "{out}");
    let decisions = sandbox.read("decisions");
    let starts: Vec<&str> =
        decisions.lines().map(|line| line.split_once(",\"time_us\"").unwrap().0).collect();
    let expected = [
        "{\"log\":\"a.log\",\"line\":1",
        "{\"log\":\"a.log\",\"line\":3",
        "{\"log\":\"b.log\",\"line\":1",
    ];
    assert_eq!(starts, expected);
    assert!(decisions.lines().last().unwrap().contains("\"allowed\":false"), "{decisions}");
}

#[test]
fn many_logs_are_counted() {
    let sandbox = Sandbox::with_policy(POLICY).file("a.log", log(1));
    let logs = ["a.log"; 6];
    let out = sandbox.run(&[&["replay", "-p", "policy.yaml"], &logs[..]].concat()).success();
    assert!(out.starts_with("a.log, a.log, a.log, a.log and 2 more: 6 requests"), "{out}");
}

#[test]
fn of_a_log_that_breaks_off_everything_before_is_decided() {
    let whole = gzip(&log(20_000));
    let sandbox = Sandbox::with_policy(POLICY).file("cut.gz", &whole[..whole.len() / 2]);
    let arguments = [
        "replay",
        "-p",
        "policy.yaml",
        "--decisions",
        "decisions",
        "cut.gz",
    ];
    let finished = sandbox.run(&arguments);
    let out = finished.out.clone();
    let error = finished.failure(3);
    assert!(error.starts_with("error: cut.gz: after line "), "{error}");
    assert!(error.ends_with(": the gzip data is cut off\n"), "{error}");
    let requests = out.strip_prefix("cut.gz: ").unwrap().split(' ').next().unwrap().replace(',', "");
    let requests: usize = requests.parse().unwrap();
    assert!(requests > 5000 && out.contains("refused of"), "{out}");
    let decisions = sandbox.read("decisions");
    assert!(decisions.ends_with("}\n"));
    assert_eq!(decisions.lines().count(), requests);
}

#[test]
fn nothing_is_replayed_while_a_log_is_missing() {
    let sandbox = Sandbox::with_policy(POLICY).file("a.log", log(9)).file("decisions", "of yesterday");
    std::fs::create_dir(sandbox.path("folder")).unwrap();
    for missing in ["missing.log", "folder"] {
        let arguments = [
            "replay",
            "-p",
            "policy.yaml",
            "--decisions",
            "decisions",
            "a.log",
            missing,
        ];
        let finished = sandbox.run(&arguments);
        assert_eq!(finished.out, "");
        let error = finished.failure(3);
        assert!(error.starts_with(&format!("error: {missing}: ")), "{error}");
        assert_eq!(error.matches(missing).count(), 1, "{error}");
        assert_eq!(sandbox.read("decisions"), "of yesterday");
    }
}

#[test]
fn a_wrong_policy_is_told_before_any_log_is_read() {
    let sandbox = Sandbox::with_policy(POLICY).file("bad.yaml", "rules: 1").file("a.log", log(9));
    for policies in [["bad.yaml", "policy.yaml"], ["policy.yaml", "bad.yaml"]] {
        let error = sandbox.run(&["replay", "-p", policies[0], "-c", policies[1], "missing.log"]).failure(1);
        assert!(error.starts_with("bad.yaml:1:8: "), "{error}");
    }
    sandbox.run(&["replay", "-p", "missing.yaml", "a.log"]).failure(3);
}

#[test]
fn standard_input_is_a_policy_or_a_log() {
    let sandbox = Sandbox::with_policy(POLICY).file("a.log", log(9));
    let out = sandbox.run_with_input(&["replay", "-p", "-", "a.log"], POLICY.as_bytes()).success();
    assert!(out.contains("\nstandard input (version "), "{out}");
    for twice in [["-", "-"], ["policy.yaml", "-"]] {
        sandbox.run(&["replay", "-p", twice[0], twice[1], "-"]).failure(2);
    }
}

#[test]
fn decisions_that_cannot_be_written_are_told_at_once() {
    let sandbox = Sandbox::with_policy(POLICY).file("a.log", log(9));
    let arguments = ["replay", "-p", "policy.yaml", "--decisions", "no/folder", "a.log"];
    let finished = sandbox.run(&arguments);
    assert_eq!(finished.out, "");
    assert!(finished.failure(3).starts_with("error: no/folder: "));
}

#[test]
fn decisions_never_overwrite_what_is_read() {
    let sandbox = Sandbox::with_policy(POLICY).file("a.log", log(9));
    std::fs::hard_link(sandbox.path("a.log"), sandbox.path("same")).unwrap();
    for decisions in ["a.log", "./a.log", "same", "policy.yaml"] {
        let error = sandbox
            .run(&["replay", "-p", "policy.yaml", "--decisions", decisions, "a.log"])
            .failure(2);
        assert!(error.contains("would overwrite this file"), "{error}");
    }
    assert_eq!((sandbox.read("a.log"), sandbox.read("policy.yaml")), (log(9), POLICY.to_owned()));
}
