//! Where the output goes: closed pipes, full disks, no terminal.

use std::io::Read;
use std::process::Stdio;

use crate::{Sandbox, request};

const POLICY: &str = "rules: [{ name: r, key: ip, limits: 1 per hour }]";

fn sandbox() -> Sandbox {
    let log: String = (0..3000).map(|n| request(n, "192.0.2.1", "-", "/")).collect();
    Sandbox::with_policy(POLICY).file("a.log", log).file("bad.yaml", "rules: 1")
}

/// The exit code and the errors of a command whose output nobody reads.
fn unread(sandbox: &Sandbox, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = sandbox.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    (child.wait().unwrap().code(), errors)
}

#[test]
fn a_reader_who_has_read_enough_is_no_failure() {
    let sandbox = sandbox();
    let fine = (Some(0), String::new());
    for arguments in [
        &["replay", "-p", "policy.yaml", "a.log"][..],
        &["replay", "-p", "policy.yaml", "--format", "json", "a.log"],
        &["check", "policy.yaml"],
        &["explain", "-p", "policy.yaml"],
        &["schema"],
        &["completions", "bash"],
    ] {
        assert_eq!(unread(&sandbox, arguments), fine, "{arguments:?}");
    }
}

#[test]
fn a_reader_who_has_read_enough_hides_no_failure() {
    let sandbox = sandbox().file("cut.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\0");
    let (code, errors) = unread(&sandbox, &["check", "policy.yaml", "bad.yaml"]);
    assert_eq!((code, errors.starts_with("bad.yaml:1:8: ")), (Some(1), true), "{errors}");
    let (code, errors) = unread(&sandbox, &["replay", "-p", "policy.yaml", "a.log", "cut.gz"]);
    assert_eq!((code, errors.starts_with("error: cut.gz: ")), (Some(3), true), "{errors}");
}

#[test]
fn closed_standard_error_changes_no_exit_code() {
    let sandbox = sandbox();
    for (arguments, code) in [(["check", "missing.yaml"], 3), (["check", "bad.yaml"], 1)] {
        let mut command = sandbox.command(&arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let sandbox = sandbox();
    for arguments in [
        &["replay", "-p", "policy.yaml", "a.log"][..],
        &["check", "policy.yaml"],
        &["schema"],
        &["completions", "zsh"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = sandbox.command(arguments).stdout(full).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(errors.starts_with("error: standard output: "), "{errors}");
    }
    let arguments = ["replay", "-p", "policy.yaml", "--decisions", "/dev/full", "a.log"];
    let errors = sandbox.run(&arguments).failure(3);
    assert!(errors.starts_with("error: /dev/full: "), "{errors}");
}

#[cfg(unix)]
#[test]
fn decisions_can_go_to_a_pipe() {
    let sandbox = sandbox();
    let arguments = [
        "replay",
        "-p",
        "policy.yaml",
        "--decisions",
        "/dev/stderr",
        "a.log",
    ];
    let output = sandbox.command(&arguments).output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stderr.iter().filter(|byte| **byte == b'\n').count(), 3000);
}

#[test]
fn without_a_terminal_there_is_no_colour() {
    let sandbox = sandbox();
    let out = sandbox.run(&["replay", "-p", "policy.yaml", "a.log"]).success();
    assert!(out.contains("2,999 refused") && !out.contains('\u{1b}'));
    let errors = sandbox.run(&["replay", "-p", "policy.yaml", "missing.log"]).failure(3);
    assert!(!errors.contains('\u{1b}'));
    let forced = sandbox
        .command(&["replay", "-p", "policy.yaml", "a.log"])
        .env("CLICOLOR_FORCE", "1")
        .output();
    assert!(forced.unwrap().stdout.contains(&0x1b));
}
