//! A client that is paced by nothing but what its peer says, at a real server with our own layer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ratekeeper::engine::{Engine, Policy};
use ratekeeper::outbound::{PacedLayer, Pacer, PacerConfig};
use ratekeeper::tower::{Dialect, RateLimitLayer};
use ratekeeper::{Clock, Limit, Micros, SystemClock, Timestamp};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower::{Layer as _, ServiceExt as _};

/// The time that the server shares with the client: Tokio's, which stands still until everybody waits. It begins where the
/// system's clock is, since that is what a server's `Date` says.
#[derive(Debug)]
struct TokioTime(Timestamp, Instant);

impl Clock for TokioTime {
    fn now(&self) -> Timestamp {
        self.0 + self.1.elapsed().into()
    }
}

/// A server with this limit.
async fn serve(limit: &str, dialect: Dialect) -> SocketAddr {
    let source = format!("rules: [{{ name: api, key: [ip], limits: [ {limit} ] }}]");
    let policy = Policy::parse(&source, "policy.yaml", &|_| None).unwrap();
    let clock = TokioTime(SystemClock::new().now(), Instant::now());
    let engine = Engine::builder(policy).clock(Arc::new(clock)).build().unwrap();
    let layer = RateLimitLayer::new(engine).dialect(dialect);
    let app = Router::new().route("/", get(|| async { "served" })).layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// How many of 60 calls, all at once, are served and refused.
async fn call(address: SocketAddr, limits: Vec<Limit>) -> (usize, usize) {
    let config = PacerConfig { max_wait: Duration::from_secs(100_000), ..PacerConfig::default() };
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let client = PacedLayer::new(Pacer::with(limits, config)).layer(client);
    let call = |_| {
        let request = Request::get(format!("http://{address}/")).body(Empty::new()).unwrap();
        tokio::spawn(client.clone().oneshot(request))
    };
    let mut statuses = Vec::new();
    for call in (0..60).map(call).collect::<Vec<_>>() {
        statuses.push(call.await.unwrap().unwrap().status());
    }
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    (count(StatusCode::OK), count(StatusCode::TOO_MANY_REQUESTS))
}

#[tokio::test(start_paused = true)]
async fn who_listens_to_the_peer_is_refused_nothing_whatever_the_dialect() {
    let limits = [
        "5 per second",
        "5 per second burst 20",
        "{ rate: 5 per second, algorithm: fixed_window }",
        "{ rate: 5 per second, algorithm: sliding_window }",
        "{ rate: 5 per second, algorithm: sliding_log }",
        "20 per minute, 7 per second",
    ];
    for dialect in Dialect::ALL {
        for limit in limits {
            let told = dialect != Dialect::None;
            let (served, refused) = call(serve(limit, dialect).await, Vec::new()).await;
            assert!(refused == 0 || !told, "{limit}, {dialect}: {refused} refused");
            assert_eq!(served + refused, 60, "{limit}, {dialect}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn with_limits_of_its_own_only_what_went_before_the_first_answer_is_refused() {
    let at_once = Limit::concurrency(10, Micros::HOUR).unwrap();
    let (served, refused) = call(serve("5 per second", Dialect::Draft11).await, vec![at_once]).await;
    assert_eq!((served, refused), (55, 5));
}

#[tokio::test(start_paused = true)]
async fn who_keeps_to_the_peer_s_limit_is_refused_nothing_though_the_peer_says_nothing() {
    let limit = Limit::sliding_log(5, Micros::SECOND).unwrap();
    let peer = "{ rate: 5 per second, algorithm: sliding_log }";
    assert_eq!(call(serve(peer, Dialect::None).await, vec![limit]).await, (60, 0));
}
