//! Rate limits in front of an axum service, refused once to show it.

#![allow(clippy::print_stdout)]

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use ratekeeper::engine::{Engine, Policy};
use ratekeeper::tower::RateLimitLayer;

const POLICY: &str = "
rules:
  - name: items
    match: { route: \"/items/{id}\" }     # whichever item: the route is counted, not the path
    key: [ip]
    limits: [ 3 per minute ]
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(Policy::parse(POLICY, "policy.yaml", &|_| None)?)?;
    let app = Router::new()
        .route("/items/{id}", get(|| async { "an item\n" }))
        .layer(RateLimitLayer::new(engine));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // The layer needs to know who is asking.
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });

    for id in 1..=4 {
        let (status, headers) = examples::get(address, &format!("/items/{id}")).await?;
        println!("{status} {:?}", headers.get("ratelimit"));
        assert_eq!(status, if id < 4 { 200 } else { 429 });
    }
    Ok(())
}
