//! `ratekeeper bench` against the real server. What is asserted are counts and verdicts, never how fast anything was.

mod exact;
mod k6;
mod refusals;

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::client::eventually;
use crate::listeners::Authority;
use crate::server::{Home, Server, free_address, ratekeeper};

const POLICY: &str = "
rules:
  - { name: users, key: [user], limits: [ 1000 per minute burst 50 ] }
  - { name: envoy, match: { domain: web }, key: [ 'descriptor:user' ], limits: [ 1000 per minute burst 50 ] }
";

/// A server that speaks all three protocols.
struct Loaded {
    server: Server,
    redis: String,
    home: Home,
}

impl Loaded {
    async fn start(policy: &str, settings: &[&str]) -> Self {
        let home = Home::new(policy);
        let redis = free_address().to_string();
        let listen = format!("redis.listen={redis}");
        let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", *setting]).collect();
        let server = home.start(&[&["--set", &listen], settings.as_slice()].concat()).await;
        Self { server, redis, home }
    }

    /// How each protocol asks for users.
    fn protocols(&self) -> [Vec<String>; 4] {
        let words = |text: String| text.split(' ').map(str::to_owned).collect();
        let address = self.server.address;
        [
            words(format!("--url http://{address}")),
            words(format!("--url grpc://{address} --domain web --descriptor user={{key}} --streams 4")),
            words(format!("--url redis://{} --rule users --key-part {{key}}", self.redis)),
            words(format!("--url redis://{} --limit 1000/m", self.redis)),
        ]
    }
}

/// The command, without the variables of whoever runs the tests.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(ratekeeper());
    command
        .arg("bench")
        .args(arguments)
        .env_remove("RATEKEEPER_TOKEN")
        .env_remove("RATEKEEPER_URL");
    command
}

/// Runs it while the server's tasks go on.
async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What it measured, as JSON, and its exit code.
async fn measured(arguments: &[&str]) -> (Value, Option<i32>) {
    let output = output(command(&[arguments, &["--json"]].concat())).await;
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (report, output.status.code())
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_the_schedule_is_sent_and_counted() {
    let loaded = Loaded::start(POLICY, &[]).await;
    for protocol in loaded.protocols() {
        let mut arguments: Vec<&str> = protocol.iter().map(String::as_str).collect();
        arguments.extend("--rate 150 --duration 1s --connections 4 --keys 10 --timeout 20s".split(' '));
        let (report, code) = measured(&arguments).await;
        assert_eq!(code, Some(0), "{report}");
        let steady = &report["steady"];
        assert_eq!(
            (&steady["due"], &steady["sent"], &steady["answered"]),
            (&150.into(), &150.into(), &150.into())
        );
        assert_eq!(count(&steady["allowed"]) + count(&steady["denied"]), 150);
        assert_eq!((&steady["errors"]["total"], &steady["latency_us"]["count"]), (&0.into(), &150.into()));
        assert_eq!((&steady["offered_per_1000s"], &steady["duration_ms"]), (&150_000.into(), &1000.into()));
        let points = steady["timeline"].as_array().unwrap();
        let allowed: u64 = points.iter().map(|point| count(&point["allowed"])).sum();
        assert_eq!(allowed, count(&steady["allowed"]));
        let latency = &steady["latency_us"];
        let sorted = ["p50", "p90", "p99", "p99.9", "max"].map(|name| count(&latency[name]));
        assert!(sorted.is_sorted() && sorted[0] > 0, "{latency}");
        assert_eq!((&report["interrupted"], &report["settings"]["keys"]), (&false.into(), &10.into()));
    }
    let mut client = loaded.server.client().await;
    assert_eq!(
        client.metric("ratekeeper_decisions_total{decision=\"allow\"}").await
            + client.metric("ratekeeper_decisions_total{decision=\"deny\"}").await,
        4 * 151,
        "and one look before each"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_asks_for_the_same_keys_again() {
    let loaded = Loaded::start("rules: [{ name: once, key: [ip], limits: [ 1 per 365 days ] }]", &[]).await;
    let url = format!("http://{}", loaded.server.address);
    let run = async |seed: &str| {
        let shared = [
            "--url",
            &url,
            "--rate",
            "200",
            "--duration",
            "1s",
            "--keys",
            "100",
            "--timeout",
            "20s",
        ];
        let (report, _) =
            measured(&[&shared[..], &["--distribution", "zipf:0.99", "--seed", seed]].concat()).await;
        count(&report["steady"]["allowed"])
    };
    let first = run("7").await;
    assert!((2..100).contains(&first), "some of the hundred keys, each once: {first}");
    assert_eq!(run("7").await, 0);
    assert!(run("8").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stress_tells_what_is_left_and_when_it_is_as_before() {
    let loaded = Loaded::start(POLICY, &[]).await;
    let url = format!("http://{}", loaded.server.address);
    // A rate is given, so that the test does not do all that the machine can.
    let (report, code) = measured(&[
        "--stress",
        "--url",
        &url,
        "--rate",
        "200",
        "--factor",
        "3",
        "--duration",
        "600ms",
        "--connections",
        "4",
    ])
    .await;
    assert_eq!(code, Some(0));
    let stress = &report["stress"];
    assert_eq!(
        (&stress["sustainable_per_second"], &stress["overload_connections"]),
        (&200.into(), &12.into())
    );
    assert_eq!((&stress["before"]["due"], &stress["after"]["due"]), (&60.into(), &60.into()));
    assert_eq!(stress["overload"]["offered_per_1000s"], 600_000);
    assert!(
        count(&stress["overload"]["answered"]) > 0 && stress["goodput_percent"].is_u64(),
        "{stress}"
    );
    assert!(stress["calibration"].is_null() && stress.get("recovered_after_ms").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn soak_looks_at_memory_all_the_while() {
    let loaded = Loaded::start(POLICY, &[]).await;
    let metrics = format!("http://{}/metrics", loaded.server.address);
    let redis = format!("redis://{}", loaded.redis);
    let (report, code) = measured(&[
        "--soak",
        "--url",
        &redis,
        "--limit",
        "5/m",
        "--metrics-url",
        &metrics,
        "--duration",
        "1s",
        "--sample",
        "100ms",
        "--rate",
        "100",
    ])
    .await;
    assert_eq!(code, Some(0));
    let soak = &report["soak"];
    let samples = soak["samples"].as_array().unwrap();
    assert!(samples.len() >= 3, "{soak}");
    assert!(samples.iter().all(|sample| count(&sample["resident_bytes"]) > 1 << 20));
    assert!(count(&samples.last().unwrap()["keys"]) > 0, "the counters of its keys");
    assert_eq!((&soak["missed"], &soak["load"]["errors"]["total"]), (&0.into(), &0.into()));
    assert!(soak["trend"].is_null() || soak["trend"]["grows"].is_boolean());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_measured_is_told_when_it_is_interrupted() {
    let loaded = Loaded::start(POLICY, &[]).await;
    let url = format!("http://{}", loaded.server.address);
    let mut command = command(&["--url", &url, "--rate", "100", "--duration", "1h", "--json"]);
    let bench = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut client = loaded.server.client().await;
    eventually("requests come", async || {
        (client.metric("ratekeeper_decisions_total{decision=\"allow\"}").await > 20).then_some(())
    })
    .await;
    assert!(Command::new("kill").args(["-INT", &bench.id().to_string()]).status().unwrap().success());
    let output = tokio::task::spawn_blocking(move || bench.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["interrupted"], true);
    assert!(count(&report["steady"]["answered"]) >= 20);
    assert!(Duration::from_millis(count(&report["steady"]["duration_ms"])) < Duration::from_secs(3600));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_protocols_are_spoken_over_tls_and_with_tokens() {
    let (home, authority) = (Home::new(POLICY), Authority::new());
    home.write("ca.crt", &authority.pem());
    authority.certify(&home, "server");
    let redis = free_address();
    let (tokens, redis_listen) = (
        format!("check_tokens={}", home.hash_of("rk_check-of-the-bench")),
        format!("redis.listen={redis}"),
    );
    home.write("token", "rk_check-of-the-bench\n");
    let mut settings = Vec::new();
    for setting in [
        "tls.cert=server.crt",
        "tls.key=server.key",
        &tokens,
        &redis_listen,
    ] {
        settings.extend(["--set", setting]);
    }
    let server = home.start_unwatched(free_address(), &settings);
    let urls = [
        vec![format!("https://{}", server.address)],
        vec![
            format!("grpcs://{}", server.address),
            "--domain=web".into(),
            "--descriptor=user={key}".into(),
        ],
        vec![format!("rediss://{redis}"), "--limit=5/m".into()],
    ];
    let (ca, token) = (home.path("ca.crt"), home.path("token"));
    let shared = [
        "--ca",
        ca.to_str().unwrap(),
        "--rate",
        "50",
        "--duration",
        "200ms",
        "--timeout",
        "20s",
        "--json",
    ];
    for url in &urls {
        let arguments: Vec<&str> =
            ["--url"].into_iter().chain(url.iter().map(String::as_str)).chain(shared).collect();
        let shown = [&arguments[..], &["--token-file", token.to_str().unwrap()]].concat();
        let told = eventually("it is answered over TLS", async || {
            let output = output(command(&shown)).await;
            output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
        })
        .await;
        let report: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            (&report["steady"]["answered"], &report["steady"]["errors"]["total"]),
            (&10.into(), &0.into())
        );
        assert!(!told.contains("rk_check"), "{told}");
        let refused = output(command(&arguments)).await;
        assert_eq!(refused.status.code(), Some(4), "without a token");
    }
}
