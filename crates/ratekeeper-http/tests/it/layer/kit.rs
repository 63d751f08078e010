//! What the cases of every front door need.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use ratekeeper_core::Timestamp;
use ratekeeper_engine::Engine;
use ratekeeper_http::Peer;
use ratekeeper_policy::Policy;
use ratekeeper_store::ManualClock;

use super::Answer;

/// The beginning of a minute, an hour and a UTC day.
const START: Timestamp = Timestamp::from_micros(1_764_028_800_000_000);

/// An engine on a clock that stands still.
pub(crate) fn engine(rules: &str) -> (Arc<Engine>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    let policy = Policy::parse(rules, "policy.yaml", &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
    (Arc::new(Engine::builder(policy).clock(Arc::clone(&clock) as _).build().unwrap()), clock)
}

/// A request of a client.
pub(crate) fn from(ip: &str, path: &str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = path.parse().unwrap();
    request.extensions_mut().insert(Peer(ip.parse().unwrap()));
    request
}

/// What an answer says under this name.
pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

pub(crate) async fn text(answer: Answer) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
