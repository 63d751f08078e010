//! Rate limits in front of a tonic server: a refused call gets the status RESOURCE_EXHAUSTED.

#![allow(clippy::print_stdout)]

use ratekeeper::engine::{Engine, Policy};
use ratekeeper::tower::RateLimitLayer;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const POLICY: &str = "
rules:
  - name: health
    match: { path: /grpc.health.v1.Health/Check }
    key: [ip]
    limits: [ 2 per minute ]
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(Policy::parse(POLICY, "policy.yaml", &|_| None)?)?;
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
    let address = incoming.local_addr()?;
    let (_reporter, health) = tonic_health::server::health_reporter();
    tokio::spawn(
        Server::builder()
            .layer(RateLimitLayer::new(engine))
            .add_service(health)
            .serve_with_incoming(incoming),
    );

    let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
    let mut client = HealthClient::new(channel);
    for allowed in [true, true, false] {
        match client.check(HealthCheckRequest::default()).await {
            Ok(_) => {
                println!("served");
                assert!(allowed);
            }
            Err(status) => {
                println!(
                    "{:?}: {} {:?}",
                    status.code(),
                    status.message(),
                    status.metadata().get("retry-after")
                );
                assert!(!allowed && status.code() == tonic::Code::ResourceExhausted);
            }
        }
    }
    Ok(())
}
