//! `ratekeeper check`.

use crate::Sandbox;

const GOOD: &str = "rules: [{ name: all, limits: 5 per minute }]";
const BAD: &str =
    "rules:\n  - name: all\n    limit: 5 per minute\n  - name: all\n    limits: 5 per fortnite\n";

#[test]
fn a_good_policy_is_told_with_its_version() {
    let sandbox = Sandbox::with_policy(GOOD);
    let out = sandbox.run(&["check", "policy.yaml"]).success();
    let version = out.strip_prefix("policy.yaml: ok, 1 rule, version ").unwrap();
    assert!(version.trim_end().len() == 12, "{out}");
}

#[test]
fn every_error_has_its_place() {
    let sandbox = Sandbox::with_policy(BAD);
    let errors = sandbox.run(&["check", "policy.yaml"]).failure(1);
    let lines: Vec<&str> = errors.lines().collect();
    for place in [
        "policy.yaml:3:5: rules[0].limit: ",
        "policy.yaml:5:13: rules[1].limits: ",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(place)), "{place} in\n{errors}");
    }
}

#[test]
fn every_file_is_checked_and_the_gravest_failure_gives_the_exit_code() {
    let sandbox = Sandbox::with_policy(GOOD).file("bad.yaml", BAD);
    for order in [["bad.yaml", "missing.yaml"], ["missing.yaml", "bad.yaml"]] {
        let finished = sandbox.run(&["check", order[0], order[1], "policy.yaml"]);
        assert!(finished.out.starts_with("policy.yaml: ok"), "{}", finished.out);
        let errors = finished.failure(3);
        assert!(errors.contains("error: missing.yaml: "), "{errors}");
        assert_eq!(errors.matches("bad.yaml:3:5: ").count(), 1, "{errors}");
    }
    sandbox.run(&["check", "bad.yaml", "policy.yaml"]).failure(1);
}

#[test]
fn standard_input_is_read_once() {
    let sandbox = Sandbox::new();
    let out = sandbox.run_with_input(&["check", "-"], GOOD.as_bytes()).success();
    assert!(out.starts_with("standard input: ok"), "{out}");
    let error = sandbox.run_with_input(&["check", "-", "-"], GOOD.as_bytes()).failure(2);
    assert_eq!(error, "error: standard input, -, can be read only once\n");
}

#[test]
fn other_bytes_than_utf_8_are_an_error_with_a_place() {
    let sandbox = Sandbox::new().file("policy.yaml", b"rules:\n  - \xff");
    let error = sandbox.run(&["check", "policy.yaml"]).failure(1);
    assert!(error.starts_with("policy.yaml:2:5: "), "{error}");
}

#[test]
fn variables_come_from_the_command_line_before_the_environment() {
    let policy = "rules: [{ name: \"${NAME}\", limits: 1/s }]";
    let sandbox = Sandbox::with_policy(policy);
    sandbox.run(&["check", "policy.yaml"]).failure(1);
    sandbox.run(&["check", "--env", "NAME=a", "policy.yaml"]).success();
    let both = sandbox.command(&["check", "--env", "NAME=a", "policy.yaml"]).env("NAME", "?").output();
    assert!(both.unwrap().status.success());
    sandbox.run(&["check", "--env", "NAME", "policy.yaml"]).failure(2);
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["check"][..],
        &["chekc"],
        &["replay", "x.log"],
        &["serve", "x.log"],
    ] {
        sandbox.run(arguments).failure(2);
    }
}

#[test]
fn a_file_name_cannot_steer_the_terminal() {
    let sandbox = Sandbox::new().file("a\u{1b}[2J.yaml", GOOD);
    let out = sandbox.run(&["check", "a\u{1b}[2J.yaml"]).success();
    assert!(out.starts_with(r"a\u{1b}[2J.yaml: ok"), "{out}");
    for missing in ["b\u{1b}[2J", "b\n\u{202e}x"] {
        let error = sandbox.run(&["check", missing]).failure(3);
        assert!(error.starts_with("error: b\\u{") && !error.contains(['\u{1b}', '\u{202e}']), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn what_is_surely_not_meant_is_a_warning_and_no_failure() {
    let sandbox = Sandbox::with_policy("rules: [{ name: all, limits: 5 per minute, cost: 6 }]");
    let finished = sandbox.run(&["check", "policy.yaml"]);
    let warning = "warning: policy.yaml:1:50: rules[0].cost: a cost of 6 can never pass the limit 5 per 1m (token_bucket)";
    assert!(finished.err.starts_with(warning), "{}", finished.err);
    assert!(
        finished.code == Some(0) && finished.out.starts_with("policy.yaml: ok"),
        "{}",
        finished.out
    );
}

#[test]
fn a_store_that_cannot_be_what_its_url_says_is_an_error() {
    let sandbox = Sandbox::with_policy(
        "stores: { shared: \"redis://:hunter2@db:port\" }\nrules: [{ name: a, limits: [1/s], store: shared }]",
    );
    let finished = sandbox.run(&["check", "policy.yaml"]);
    assert_eq!(finished.out, "", "it is not ok");
    let error = finished.failure(1);
    assert!(
        error.contains("policy.yaml: stores.shared: ") && error.contains("\"port\" is no port"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
}
