//! The scripts for k6, run by k6 against the real server.

use std::process::{Command, Output};

use serde_json::Value;

use super::{Loaded, count};
use crate::programs::python_program;
use crate::workspace;

const POLICY: &str = "rules: [{ name: users, key: [user], limits: [ 1000 per minute burst 50 ] }]";

/// Runs a script, and what it has counted.
async fn run(loaded: &Loaded, script: &str, settings: &[&str]) -> (Output, Value) {
    let summary = loaded.home.path("summary.json");
    let mut k6 = Command::new(python_program("k6"));
    k6.args([
        "run",
        "--quiet",
        "--no-usage-report",
        "--no-color",
        "--summary-mode",
        "legacy",
    ])
    .arg("--summary-export")
    .arg(&summary)
    .args([
        "-e",
        &format!("URL=http://{}", loaded.server.address),
        "-e",
        "VUS=8",
    ])
    .args(settings.iter().flat_map(|setting| ["-e", setting]))
    .arg(workspace().join("packaging/load").join(script))
    .env("HOME", loaded.home.path(""));
    let output = tokio::task::spawn_blocking(move || k6.output().unwrap()).await.unwrap();
    let summary = std::fs::read(summary).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output, serde_json::from_slice(&summary).unwrap())
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn check_asks_at_a_constant_rate() {
    let loaded = Loaded::start(POLICY, &[]).await;
    // No machine is so slow: what is tested is not how fast it is.
    let settings = [
        "RATE=100",
        "DURATION=2s",
        "P99_MS=20000",
        "TIMEOUT=20s",
        "KEYS=10",
    ];
    let (output, summary) = run(&loaded, "check.js", &settings).await;
    let counted = |name: &str| summary["metrics"][name]["count"].as_u64().unwrap_or_default();
    let (admitted, denied) = (counted("ratekeeper_admitted"), counted("ratekeeper_denied"));
    assert!(admitted > 0 && admitted + denied == counted("http_reqs"), "{}", told(&output));
    // A request that k6 itself leaves out fails a threshold, on a machine that does too much else.
    let left_out = counted("dropped_iterations");
    assert_eq!(output.status.code(), Some(if left_out == 0 { 0 } else { 99 }), "{}", told(&output));
    assert!((199..=202).contains(&(admitted + denied + left_out)), "{}", told(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_passes_what_is_exact_and_fails_what_is_not() {
    let loaded = Loaded::start(POLICY, &[]).await;
    let (output, summary) = run(&loaded, "exact.js", &["DURATION=2s", "BURST=50", "TIMEOUT=20s"]).await;
    assert!(output.status.success(), "{}", told(&output));
    assert!(count(&summary["metrics"]["ratekeeper_admitted"]["count"]) >= 50, "{summary}");
    let (output, _) = run(&loaded, "exact.js", &["DURATION=2s", "COUNT=10", "TIMEOUT=20s"]).await;
    assert_eq!(output.status.code(), Some(99), "{}", told(&output));
    assert!(told(&output).contains("ratekeeper_admitted"), "{}", told(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn stress_and_soak_run_in_all_their_parts() {
    let loaded = Loaded::start(POLICY, &[]).await;
    let settings = [
        "SUSTAINABLE=60",
        "FACTOR=3",
        "DURATION=1s",
        "SETTLE=1",
        "P99_MS=20000",
        "TIMEOUT=20s",
    ];
    let (output, summary) = run(&loaded, "stress.js", &settings).await;
    assert!(output.status.success(), "{}", told(&output));
    for part in ["before", "after"] {
        let passes = count(&summary["metrics"][format!("checks{{scenario:{part}}}")]["passes"]);
        assert!((1..=31).contains(&passes), "{part}: {passes}");
    }
    assert!(count(&summary["metrics"]["http_reqs{scenario:overload}"]["count"]) > 0);
    let settings = ["RATE=20", "DURATION=2s", "SAMPLE=0.5", "TIMEOUT=20s", "KEYS=10"];
    let (output, summary) = run(&loaded, "soak.js", &settings).await;
    assert!(output.status.success(), "{}", told(&output));
    assert!(summary["metrics"]["server_resident_mib"]["min"].as_f64().unwrap() > 1.0, "{summary}");
    let (output, _) = run(&loaded, "soak.js", &[&settings[..], &["MOST_MIB=1"]].concat()).await;
    assert_eq!(output.status.code(), Some(99), "{}", told(&output));
}
