//! What is given to Prometheus and Grafana, held against the real server and the real Prometheus.

mod live;
mod queries;

use std::path::PathBuf;
use std::process::Command;

use crate::workspace;

fn packaging(name: &str) -> PathBuf {
    workspace().join("packaging").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(packaging(name)).unwrap()
}

#[track_caller]
fn promtool(arguments: &[&str]) -> String {
    let said = Command::new("promtool")
        .args(arguments)
        .current_dir(packaging("prometheus"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{text}");
    text
}

#[test]
fn the_configuration_is_valid() {
    let said = promtool(&["check", "config", "prometheus.yml"]);
    assert!(said.contains("2 rule files found") && said.contains("17 rules found"), "{said}");
}

#[test]
fn alerts_fire_when_they_should_and_not_before() {
    assert!(promtool(&["test", "rules", "tests.yml"]).contains("SUCCESS"));
}
