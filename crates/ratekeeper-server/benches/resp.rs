//! Pipelined `CL.THROTTLE` beside a bare loop that reads commands and answers a constant, in one run: read the ratio, not the
//! commands per second.
//!
//! The servers take turns on one core, with redis-benchmark on another; `cargo xtask bench resp` installs it.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::float_arithmetic
)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ratekeeper_resp::{Limits, Parser};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const ROUNDS: usize = 5;
const COMMANDS: u64 = 3_000_000;

/// What is measured of a round.
#[derive(Clone, Copy, Debug)]
struct Round {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn main() {
    // This program is the floor too: cargo builds one file for a benchmark.
    let mut floor_argument = std::env::args().skip_while(|argument| argument != "--floor").skip(1);
    if let Some(address) = floor_argument.next() {
        return floor(address.parse().unwrap());
    }
    let servers = [start_floor(), start_ratekeeper()];
    for server in &servers {
        round(server.address, COMMANDS / 10);
    }
    let mut ratios = Vec::new();
    println!("{:<6} {:>40} {:>40}", "round", "a bare loop", "ratekeeper");
    for number in 1..=ROUNDS {
        let all = servers.each_ref().map(|server| round(server.address, COMMANDS));
        let shown = all.map(|round| {
            format!("{:.0}/s p50 {:.2} ms p99 {:.2} ms", round.per_second, round.p50_ms, round.p99_ms)
        });
        println!("{number:<6} {:>40} {:>40}", shown[0], shown[1]);
        ratios.push(all[1].per_second / all[0].per_second);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median of the ratios to the bare loop: throughput {:.2}", ratios[ROUNDS / 2]);
}

/// The least that a server of this protocol can do: read whole commands, and answer each with a constant.
fn floor(address: SocketAddr) {
    const ANSWER: &[u8] = b"*5\r\n:0\r\n:16\r\n:15\r\n:-1\r\n:2\r\n";
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.unwrap().block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let mut parser = Parser::new(Limits::default());
                let (mut received, mut out) = (Vec::with_capacity(64 << 10), Vec::new());
                while stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
                    let mut at = 0;
                    while let Ok(Some(request)) = parser.parse(&received[at..]) {
                        at += request.length();
                        out.extend_from_slice(ANSWER);
                    }
                    received.drain(..at);
                    if stream.write_all(&out).await.is_err() {
                        return;
                    }
                    out.clear();
                }
            });
        }
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

fn start_ratekeeper() -> Server {
    let address = free_address();
    let mut command = pinned(0, Path::new(env!("CARGO_BIN_EXE_ratekeeper")));
    command.args([
        "serve",
        "--set",
        "threads=1",
        "--listen",
        &free_address().to_string(),
    ]);
    start(address, command.args(["--set", &format!("redis.listen={address}")]))
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

/// Loads a server with commands of ten thousand keys, 64 at once on each of 50 connections.
fn round(address: SocketAddr, commands: u64) -> Round {
    let said = pinned(1, Path::new("redis-benchmark"))
        .args(["-p", &address.port().to_string(), "-n", &commands.to_string()])
        .args(["-P", "64", "-c", "50", "-r", "10000", "--csv"])
        .args(["CL.THROTTLE", "user:__rand_int__", "1000000", "1000000", "1"])
        .output()
        .expect("redis-benchmark is there: `cargo xtask bench resp` installs it");
    let text = String::from_utf8(said.stdout).unwrap();
    // The command itself is one field, in quotes; then commands per second and latencies.
    let line = text.lines().last().unwrap_or_else(|| panic!("{text}"));
    let fields: Vec<f64> = line
        .split("\",\"")
        .skip(1)
        .map(|field| field.trim_matches('"').parse().unwrap_or_else(|_| panic!("{text}")))
        .collect();
    Round { per_second: fields[0], p50_ms: fields[3], p99_ms: fields[5] }
}
