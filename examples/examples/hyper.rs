//! Rate limits in front of a bare hyper service: connections are accepted by hand, and say who their peer is.

#![allow(clippy::print_stdout)]

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ratekeeper::engine::{Engine, Policy};
use ratekeeper::tower::{Peer, RateLimitLayer};
use tower::{Layer as _, ServiceBuilder, service_fn};

const POLICY: &str = "
rules:
  - { name: everything, key: [ip], limits: [ 2 per minute ] }
";

async fn hello(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"hello\n"))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(Policy::parse(POLICY, "policy.yaml", &|_| None)?)?;
    let limits = RateLimitLayer::new(engine);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let limited = limits.layer(service_fn(hello));
            let service = ServiceBuilder::new()
                .map_request(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(Peer(peer.ip()));
                    request
                })
                .service(limited);
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
        }
    });

    for expected in [200, 200, 429] {
        let (status, headers) = examples::get(address, "/").await?;
        println!("{status} {:?}", headers.get("ratelimit"));
        assert_eq!(status, expected);
    }
    Ok(())
}
