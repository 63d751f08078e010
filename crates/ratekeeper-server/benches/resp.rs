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

mod beside;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use ratekeeper_resp::{Limits, Parser};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::beside::{median, pinned, start_floor, start_ratekeeper};

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
    let mut floor_argument = std::env::args().skip_while(|argument| argument != "--floor").skip(2);
    if let Some(address) = floor_argument.next() {
        return floor(address.parse().unwrap());
    }
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("policy.yaml"), "rules: []").unwrap();
    let servers = [
        start_floor("loop"),
        start_ratekeeper(folder.path(), "redis.listen"),
    ];
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
    println!("median of the ratios to the bare loop: throughput {:.2}", median(ratios));
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
