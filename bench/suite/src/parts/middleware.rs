//! What a limit costs in front of a Tower service that answers at once, without a server: a load test would hide it.

use std::convert::Infallible;
use std::hint::black_box;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response};
use ratekeeper::tower::RateLimitLayer;
use tower::{Layer as _, Service, service_fn};
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;

use crate::options::Options;
use crate::parts::policy::{engine_of, timed};
use crate::results::Results;
use crate::rounds::{self, Contender};
use crate::table::Table;
use crate::work::Ran;

const BARE: &str = "the bare service";
const POLICY: &str =
    "rules: [{ name: per-client, key: [ip], limits: [ 1000000 per second burst 4000000000 ] }]";

pub fn run(options: &Options, results: &mut Results) {
    let turn = u128::from(options.turn_ms) * 1_000_000;
    let bare = service_fn(answer);
    let ours = RateLimitLayer::new(engine_of(POLICY)).layer(service_fn(answer));
    let builder = || {
        let mut builder = GovernorConfigBuilder::default();
        builder.per_nanosecond(1000).burst_size(u32::MAX);
        builder
    };
    let theirs = builder().finish().expect("a valid configuration");
    let theirs = GovernorLayer::new(theirs).layer(service_fn(answer));
    let headers = builder().use_headers().finish().expect("a valid configuration");
    let headers = GovernorLayer::new(headers).layer(service_fn(answer));
    let contenders = vec![
        Contender::new(BARE, calls(turn, bare)),
        Contender::new("ratekeeper, with its headers", calls(turn, ours)),
        Contender::new("tower_governor", calls(turn, theirs)),
        Contender::new("tower_governor, with its headers", calls(turn, headers)),
    ];
    let rows = rounds::run(contenders, options.rounds, BARE);
    let title = "In front of a Tower service, one client: making the request is part of all rows";
    results.add(Table::new("middleware", title, "ns/request", Some(BARE), rows));
}

async fn answer(_: Request<()>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from("hello\n")))
}

/// Requests that know their peer as axum tells of it.
fn calls<S>(turn: u128, mut service: S) -> impl FnMut() -> Ran
where
    S: Service<Request<()>>,
    S::Response: Status,
{
    let peer = SocketAddr::from(([203, 0, 113, 7], 4711));
    move || {
        timed(turn, || {
            let mut request = Request::new(());
            request.extensions_mut().insert(ConnectInfo(peer));
            let mut context = Context::from_waker(Waker::noop());
            assert!(service.poll_ready(&mut context).is_ready());
            match pin!(service.call(black_box(request))).poll(&mut context) {
                Poll::Ready(Ok(response)) => response.passed(),
                _ => panic!("a service in memory answers at once"),
            }
        })
    }
}

/// A response of any body.
trait Status {
    fn passed(&self) -> bool;
}

impl<B> Status for Response<B> {
    fn passed(&self) -> bool {
        assert!(self.status().is_success(), "{}", self.status());
        true
    }
}
