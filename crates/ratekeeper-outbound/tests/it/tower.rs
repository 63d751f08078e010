//! The layer around a client.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use ratekeeper_core::{Limit, Micros};
use ratekeeper_outbound::{CallError, PaceError, PacedLayer, Pacer, PacerConfig};
use tokio::time::Instant;
use tower::{Layer as _, Service, ServiceExt as _};

use super::{one_per_second, seconds_since};

/// A peer that refuses every second call for ten seconds.
fn peer(
    calls: &Arc<AtomicUsize>,
) -> impl Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let calls = Arc::clone(calls);
    tower::service_fn(move |_| {
        let refused = calls.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        let response = match refused {
            true => Response::builder().status(StatusCode::TOO_MANY_REQUESTS).header("retry-after", "10"),
            false => Response::builder(),
        };
        async { Ok(response.body(Full::from("body")).unwrap()) }
    })
}

fn to(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn calls_wait_by_host_and_obey_what_their_host_says() {
    let (calls, start) = (Arc::default(), Instant::now());
    let client = PacedLayer::new(one_per_second(PacerConfig::default())).layer(peer(&calls));
    let uris = [
        ("https://a.example/1", 200, 0),
        ("https://b.example:443/1", 429, 0),
        ("https://A.example/2", 200, 1),
        ("https://user@a.example/3", 429, 2),
        ("https://a.example:8443/", 200, 2),
        ("http://a.example:8443/", 429, 3),
        ("http://a.example/", 200, 3),
        ("https://b.example/2", 429, 10),
        ("https://a.example/4", 200, 12),
    ];
    for (uri, status, seconds) in uris {
        let response = client.clone().oneshot(to(uri)).await.unwrap();
        assert_eq!((response.status().as_u16(), seconds_since(start)), (status, seconds), "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_not_go_never_reaches_the_client() {
    let calls = Arc::default();
    let pacer = one_per_second(PacerConfig { max_wait: Duration::ZERO, ..PacerConfig::default() });
    let layer = PacedLayer::new(pacer)
        .key(|parts| parts.uri.path().to_owned())
        .cost(|parts| u64::from(parts.uri.query().is_none()));
    let client = layer.layer(peer(&calls));
    let ask = |uri: &str| client.clone().oneshot(to(uri));
    ask("/a").await.unwrap();
    let error = ask("/a").await.unwrap_err();
    assert!(matches!(&error, CallError::Pace(PaceError::TooLong { .. })), "{error}");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    ask("/b?free").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_held_until_the_body_ends() {
    let calls = Arc::default();
    let pacer = Pacer::new(Limit::concurrency(1, Micros::HOUR).unwrap());
    let client = PacedLayer::new(pacer.clone()).layer(peer(&calls));
    let response = client.clone().oneshot(to("/")).await.unwrap();
    assert!(pacer.try_ready().is_err());
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "body");
    assert!(pacer.try_ready().is_ok());
}
