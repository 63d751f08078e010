//! `ShouldRateLimit` beside a bare tonic service of the same messages, in one run: read the ratio, not the requests per second.
//!
//! The servers take turns on one core, with h2load on another; `cargo xtask bench grpc` installs h2load.

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

use prost::Message as _;
use ratekeeper_envoy::{
    Code, DescriptorStatus, Duration, Entry, RateLimit, RateLimitDescriptor, RateLimitRequest,
    RateLimitResponse, RateLimitService, RateLimitServiceClient, RateLimitServiceServer, SERVICE, Unit,
};
use tonic::{Request, Response, Status, async_trait};

use self::beside::{median, pinned, start_floor, start_ratekeeper};

const ROUNDS: usize = 5;
const SECONDS: u64 = 4;
/// As Envoy asks: few connections, many calls at once on each.
const CONNECTIONS: u64 = 4;
const STREAMS: u64 = 16;

const POLICY: &str = "
rules:
  - name: per-client
    match: { domain: web, entries: [remote_address] }
    limits: 1000000 per second burst 4000000000
  - name: per-path
    match: { domain: web, entries: [path, remote_address] }
    limits: 1000000 per second burst 4000000000
";

fn main() {
    // This program is the floor too: cargo builds one file for a benchmark.
    let mut floor_arguments = std::env::args().skip_while(|argument| argument != "--floor").skip(2);
    if let Some(address) = floor_arguments.next() {
        return floor(address.parse().unwrap());
    }
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    let servers = [start_floor("echo"), start_ratekeeper(folder.path(), "listen")];
    for server in &servers {
        fs::write(folder.path().join("request"), framed(server.address)).unwrap();
        round(server.address, folder.path(), 1);
    }
    println!("{:<6} {:>14} {:>14}", "round", "bare tonic", "ratekeeper");
    let mut ratios = Vec::new();
    for number in 1..=ROUNDS {
        let [floor, ours] = servers.each_ref().map(|server| round(server.address, folder.path(), SECONDS));
        println!("{number:<6} {floor:>12.0}/s {ours:>12.0}/s");
        ratios.push(ours / floor);
    }
    println!("median of the ratios to bare tonic: throughput {:.2}", median(ratios));
}

/// Calls a second.
fn round(address: SocketAddr, folder: &Path, seconds: u64) -> f64 {
    let said = pinned(1, Path::new("h2load"))
        .args([
            &format!("-c{CONNECTIONS}"),
            &format!("-m{STREAMS}"),
            &format!("-D{seconds}"),
            "-t1",
        ])
        .args(["-H", "content-type: application/grpc", "-H", "te: trailers", "-d"])
        .arg(folder.join("request"))
        .arg(format!("http://{address}/{SERVICE}/ShouldRateLimit"))
        .output()
        .expect("h2load is there: `cargo xtask bench grpc` installs it");
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(text.contains(" 0 failed, 0 errored, 0 timeout"), "{text}");
    let line = text
        .lines()
        .find(|line| line.starts_with("finished in"))
        .unwrap_or_else(|| panic!("{text}"));
    line.split_whitespace().nth(3).unwrap().parse().unwrap()
}

/// The request as h2load sends it, once the server has shown that it understands it.
fn framed(address: SocketAddr) -> Vec<u8> {
    let entry = |(key, value): (&str, &str)| Entry { key: key.to_owned(), value: value.to_owned() };
    let descriptor = |entries: &[(&str, &str)]| RateLimitDescriptor {
        entries: entries.iter().copied().map(entry).collect(),
        ..Default::default()
    };
    let client = ("remote_address", "203.0.113.7");
    let request = RateLimitRequest {
        domain: "web".to_owned(),
        descriptors: vec![
            descriptor(&[client]),
            descriptor(&[("path", "/api/v1/orders"), client]),
        ],
        hits_addend: 1,
    };
    let message = request.encode_to_vec();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let endpoint = tonic::transport::Endpoint::try_from(format!("http://{address}")).unwrap();
        let mut client = RateLimitServiceClient::new(endpoint.connect().await.unwrap());
        client.should_rate_limit(request).await.unwrap().into_inner()
    });
    assert!(answer.statuses.iter().all(|status| status.current_limit.is_some()), "{answer:?}");
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat()
}

/// The least that the service can do: read the request, answer as much as a decision is.
#[derive(Debug)]
struct Floor;

#[async_trait]
impl RateLimitService for Floor {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        let status = |_| DescriptorStatus {
            code: Code::Ok.into(),
            current_limit: Some(RateLimit {
                name: String::new(),
                requests_per_unit: 1_000_000,
                unit: Unit::Second.into(),
            }),
            limit_remaining: 3_999_999_999,
            duration_until_reset: Some(Duration { seconds: 1, nanos: 0 }),
            quota: None,
        };
        Ok(Response::new(RateLimitResponse {
            overall_code: Code::Ok.into(),
            statuses: request.get_ref().descriptors.iter().map(status).collect(),
            ..Default::default()
        }))
    }
}

fn floor(address: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let server = tonic::transport::Server::builder().add_service(RateLimitServiceServer::new(Floor));
    runtime.unwrap().block_on(server.serve(address)).unwrap();
}
