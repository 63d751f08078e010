//! A client of somebody else's service: its calls wait for their turn, and obey what the service says.

#![allow(clippy::print_stdout)]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ratekeeper::engine::{Engine, Policy};
use ratekeeper::outbound::{PacedLayer, Pacer, PacerConfig};
use ratekeeper::tower::RateLimitLayer;
use ratekeeper::{Limit, Micros};
use tower::{Layer, ServiceExt};

/// Somebody else's service: five calls a second, and then 429.
async fn somebody_else() -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let policy = "rules: [{ name: api, key: [ip], limits: [ 5 per second ] }]";
    let engine = Engine::new(Policy::parse(policy, "policy.yaml", &|_| None)?)?;
    let app = Router::new()
        .route("/", get(|| async { "an answer\n" }))
        .layer(RateLimitLayer::new(engine));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = somebody_else().await?;

    // Twenty a second at the most, one at a time; the service will ask for less.
    let limits = [
        Limit::token_bucket(20, Micros::SECOND)?,
        Limit::concurrency(1, Micros::MINUTE)?,
    ];
    let config = PacerConfig { max_wait: Duration::from_secs(10), ..PacerConfig::default() };
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let client = PacedLayer::new(Pacer::with(limits, config)).layer(client);

    let calls = (1..=10).map(|number| {
        let client = client.clone();
        tokio::spawn(async move {
            let request = Request::get(format!("http://{address}/")).body(Empty::new())?;
            let response = client.oneshot(request).await?;
            println!("call {number}: {} {:?}", response.status(), response.headers().get("ratelimit"));
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(response.status().as_u16())
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let status = call.await?.map_err(|error| error.to_string())?;
        assert_eq!(status, 200, "the client waits rather than being refused");
    }
    Ok(())
}
