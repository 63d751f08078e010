//! The Tower layer before services of every kind.

mod counting;
mod holding;
mod refusing;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use ratekeeper_core::Timestamp;
use ratekeeper_engine::Engine;
use ratekeeper_http::{Body, Peer, RateLimitLayer};
use ratekeeper_policy::Policy;
use ratekeeper_store::ManualClock;
use tower::util::BoxCloneService;
use tower::{Layer as _, ServiceExt as _};

/// The beginning of a minute, an hour and a UTC day.
const START: Timestamp = Timestamp::from_micros(1_764_028_800_000_000);

/// An engine on a clock that stands still.
fn engine(rules: &str) -> (Arc<Engine>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    let policy = Policy::parse(rules, "policy.yaml", &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
    (Arc::new(Engine::builder(policy).clock(Arc::clone(&clock) as _).build().unwrap()), clock)
}

type Answer = Response<Body<Full<Bytes>>>;
type Limited = BoxCloneService<Request<Full<Bytes>>, Answer, Infallible>;

/// A service that answers with the status that the path names, behind a layer; and how often it was reached.
fn service(layer: &RateLimitLayer) -> (Limited, Arc<AtomicU64>) {
    let served = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&served);
    let inner = tower::service_fn(move |request: Request<Full<Bytes>>| {
        counter.fetch_add(1, Ordering::Relaxed);
        let status = request.uri().path().trim_start_matches('/').parse().unwrap_or(StatusCode::OK);
        let mut response = Response::new(Full::new(Bytes::from_static(b"served")));
        *response.status_mut() = status;
        async { Ok::<_, Infallible>(response) }
    });
    (BoxCloneService::new(layer.layer(inner)), served)
}

/// A request of a client.
fn from(ip: &str, path: &str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = path.parse().unwrap();
    request.extensions_mut().insert(Peer(ip.parse().unwrap()));
    request
}

async fn ask(service: &Limited, request: Request<Full<Bytes>>) -> Answer {
    service.clone().oneshot(request).await.unwrap()
}

/// What an answer says under this name.
fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

async fn text(answer: Answer) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
