//! What is generated: schema, completions, manual pages, help.

use crate::Sandbox;

#[test]
fn the_schema_is_that_of_the_library() {
    let out = Sandbox::new().run(&["schema"]).success();
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(schema, ratekeeper_policy::json_schema());
}

#[test]
fn the_schema_of_a_database_is_printed_under_its_name() {
    let out = Sandbox::new().run(&["migrations", "--schema", "Rate limits"]).success();
    assert!(
        out.starts_with("BEGIN;") && out.contains("\"Rate limits\"") && out.ends_with("COMMIT;\n"),
        "{out}"
    );
}

#[test]
fn every_shell_has_completions() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.run(&["completions", shell]).success();
        assert!(script.contains("decisions") && script.contains("replay"), "{shell}");
    }
    sandbox.run(&["completions", "tcsh"]).failure(2);
}

#[test]
fn every_command_has_a_manual_page_and_the_first_tells_the_exit_codes() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["man", "--out", "new/man"]).success(), "");
    for command in [
        "check",
        "doctor",
        "explain",
        "replay",
        "schema",
        "migrations",
        "completions",
        "man",
    ] {
        let page = sandbox.read(&format!("new/man/ratekeeper-{command}.1"));
        assert!(page.contains(".TH ratekeeper-"), "{command}: {page}");
    }
    assert!(sandbox.read("new/man/ratekeeper.1").contains("Exit codes"));
    let sandbox = sandbox.file("occupied", "");
    assert!(sandbox.run(&["man", "--out", "occupied"]).failure(3).starts_with("error: occupied: "));
}

#[test]
fn help_and_version_go_to_standard_output() {
    let sandbox = Sandbox::new();
    assert!(sandbox.run(&["--help"]).success().contains("Exit codes:"));
    assert!(sandbox.run(&["replay", "--help"]).success().contains("--decisions"));
    let version = concat!(" ", env!("CARGO_PKG_VERSION"), "\n");
    assert!(sandbox.run(&["-V"]).success().ends_with(version));
    // Calendars go by a database of time zones that has an edition of its own.
    assert!(sandbox.run(&["--version"]).success().contains("time zone database 20"));
}
