//! `POST /v1/check` beside a bare axum handler, in one run: read the ratio, not the requests per second.
//!
//! The servers take turns on one core, with wrk on another; `cargo xtask bench http` installs wrk.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::float_arithmetic
)]

mod beside;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use axum::body::Bytes;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};

use self::beside::{median, pinned, start_floor, start_ratekeeper};

const ROUNDS: usize = 5;
const SECONDS: u64 = 4;
const CONNECTIONS: u64 = 50;

const POLICY: &str = "
rules:
  - { name: per-client, key: [ip], limits: [ 1000000 per second burst 4000000000 ] }
";

/// Requests of ten thousand clients, made before the first is sent: the load generator is not to be the bottleneck.
const LOAD: &str = r#"
local requests, next = {}, 0
init = function()
  local head = { ["content-type"] = "application/json" }
  for n = 0, 9999 do
    local body = string.format(
      '{"attributes":{"ip":"203.0.%d.%d","method":"GET","path":"/api/v1/orders"}}', n / 250, n % 250)
    requests[n] = wrk.format("POST", "/v1/check", head, body)
  end
end
request = function()
  next = (next + 7919) % 10000
  return requests[next]
end
"#;

/// One round of one server.
#[derive(Clone, Copy, Debug)]
struct Round {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

fn main() {
    // This program is the floors too: cargo builds one file for a benchmark.
    let mut floor_arguments = std::env::args().skip_while(|argument| argument != "--floor").skip(1);
    if let (Some(kind), Some(address)) = (floor_arguments.next(), floor_arguments.next()) {
        return floor(&kind, address.parse().unwrap());
    }
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    fs::write(folder.path().join("load.lua"), LOAD).unwrap();
    let servers = [
        start_floor("fixed"),
        start_floor("json"),
        start_ratekeeper(folder.path(), "listen"),
    ];
    for server in &servers {
        round(server.address, folder.path(), 1);
    }
    let mut rounds = Vec::new();
    println!(
        "{:<6} {:>34} {:>34} {:>34}",
        "round", "axum, fixed answer", "axum, JSON in and out", "ratekeeper"
    );
    for number in 1..=ROUNDS {
        let all = servers.each_ref().map(|server| round(server.address, folder.path(), SECONDS));
        let shown = all.map(|round| {
            format!("{:.0}/s p50 {:.0} us p99 {:.0} us", round.per_second, round.p50_us, round.p99_us)
        });
        println!("{number:<6} {:>34} {:>34} {:>34}", shown[0], shown[1], shown[2]);
        rounds.push(all);
    }
    let median = |of: &dyn Fn(&[Round; 3]) -> f64| median(rounds.iter().map(of).collect());
    for (place, name) in ["a fixed answer", "JSON in and out"].iter().enumerate() {
        println!(
            "median of the ratios to axum with {name}: throughput {:.2}, p50 {:.2}, p99 {:.2}",
            median(&|all| all[2].per_second / all[place].per_second),
            median(&|all| all[2].p50_us / all[place].p50_us),
            median(&|all| all[2].p99_us / all[place].p99_us),
        );
    }
}

/// The least that an HTTP server can do: read the body, answer with a constant; or read it as JSON, and answer with as much
/// JSON as a decision is.
fn floor(kind: &str, address: SocketAddr) {
    const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
    let decision = format!(r#"{{"allowed":true,"limits":"{}"}}"#, "x".repeat(440));
    let router = match kind {
        "fixed" => Router::new().route("/v1/check", post(async |_: Bytes| (JSON, r#"{"allowed":true}"#))),
        _ => {
            let answer = async move |Json(question): Json<serde_json::Value>| {
                std::hint::black_box(question);
                (JSON, decision)
            };
            Router::new().route("/v1/check", post(answer))
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.unwrap().block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

/// Loads a server for some seconds.
fn round(address: SocketAddr, folder: &Path, seconds: u64) -> Round {
    let said = pinned(1, Path::new("wrk"))
        .args([
            "-t1",
            &format!("-c{CONNECTIONS}"),
            &format!("-d{seconds}s"),
            "--latency",
            "-s",
        ])
        .arg(folder.join("load.lua"))
        .arg(format!("http://{address}"))
        .output()
        .expect("wrk is there: `cargo xtask bench http` installs it");
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "{text}");
    let field = |name: &str| {
        let line = text.lines().map(str::trim).find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1))
            .unwrap_or_else(|| panic!("{text}"))
            .to_owned()
    };
    Round {
        per_second: field("Requests/sec:").parse().unwrap(),
        p50_us: micros(&field("50%")),
        p99_us: micros(&field("99%")),
    }
}

/// A span as wrk writes it.
fn micros(text: &str) -> f64 {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    let found = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (number, factor) = found.unwrap();
    number.parse::<f64>().unwrap() * factor
}
