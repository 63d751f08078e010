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

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use axum::serve::ListenerExt as _;

const ROUNDS: usize = 5;
const SECONDS: u64 = 4;
const CONNECTIONS: u64 = 50;

const POLICY: &str = "
rules:
  - { name: per-client, key: [ip], limits: [ 1000000 per second burst 4000000000 ] }
";

/// Every request is of another client, of ten thousand.
const LOAD: &str = r#"
local n = 0
local head = { ["content-type"] = "application/json" }
request = function()
  n = (n * 1103515245 + 12345) % 2147483648
  local body = string.format(
    '{"attributes":{"ip":"203.0.%d.%d","method":"GET","path":"/api/v1/orders"}}', (n / 65536) % 40, (n / 256) % 250)
  return wrk.format("POST", "/v1/check", head, body)
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
    // This program is the floor too: cargo builds one file for a benchmark.
    if let Some(address) = std::env::args().skip_while(|argument| argument != "--floor").nth(1) {
        return floor(address.parse().unwrap());
    }
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    fs::write(folder.path().join("load.lua"), LOAD).unwrap();
    let (bare, ours) = (start_floor(), start_ratekeeper(folder.path()));
    for server in [&bare, &ours] {
        round(server.address, folder.path(), 1);
    }
    let mut rounds = Vec::new();
    println!("{:<6} {:>34} {:>34} {:>7}", "round", "axum, fixed answer", "ratekeeper", "ratio");
    for number in 1..=ROUNDS {
        let pair = [&bare, &ours].map(|server| round(server.address, folder.path(), SECONDS));
        let shown = pair.map(|round| {
            format!("{:.0}/s p50 {:.0} us p99 {:.0} us", round.per_second, round.p50_us, round.p99_us)
        });
        let ratio = pair[1].per_second / pair[0].per_second;
        println!("{number:<6} {:>34} {:>34} {ratio:>7.2}", shown[0], shown[1]);
        rounds.push(pair);
    }
    let median = |of: &dyn Fn(&[Round; 2]) -> f64| {
        let mut ratios: Vec<f64> = rounds.iter().map(of).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ROUNDS / 2]
    };
    println!(
        "median ratio: throughput {:.2}, p50 {:.2}, p99 {:.2}",
        median(&|[bare, ours]| ours.per_second / bare.per_second),
        median(&|[bare, ours]| ours.p50_us / bare.p50_us),
        median(&|[bare, ours]| ours.p99_us / bare.p99_us),
    );
}

/// The least that an HTTP server can do: read the body, answer with a constant.
fn floor(address: SocketAddr) {
    let answer = async |_: Bytes| ([("content-type", "application/json")], r#"{"allowed":true}"#);
    let router = Router::new().route("/v1/check", post(answer));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.unwrap().block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

/// A server on the first core; killed when it is dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn start_floor() -> Server {
    let address = free_address();
    let program = std::env::current_exe().unwrap();
    start(address, pinned(0, &program).args(["--floor", &address.to_string()]))
}

fn start_ratekeeper(folder: &Path) -> Server {
    let address = free_address();
    let mut command = pinned(0, Path::new(env!("CARGO_BIN_EXE_ratekeeper")));
    command.args(["serve", "--policy", "policy.yaml", "--set", "threads=1"]);
    start(address, command.args(["--listen", &address.to_string()]).current_dir(folder))
}

fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

// Polls, within a bound.
#[allow(clippy::disallowed_methods)]
fn start(address: SocketAddr, command: &mut Command) -> Server {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let server = Server { child, address };
    let patience = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < patience, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    server
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
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
