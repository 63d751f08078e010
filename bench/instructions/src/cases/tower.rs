//! The Tower layer, before a service that answers at once; the bare service shows what of it is not the layer's.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use ratekeeper::tower::{Peer, RateLimitLayer};
use tower::{Layer as _, Service, service_fn};

use super::engine::engine;
use crate::case::{Case, Operation};
use crate::clock::{clock, tick};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("tower/bare", || operation(service_fn(answer), || (), StatusCode::OK)),
        Case::new("tower/allowed", || limited("1000000 per second", StatusCode::OK)),
        Case::new("tower/denied", || limited("1 per hour", StatusCode::TOO_MANY_REQUESTS)),
    ]
}

async fn answer(_: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"hello\n"))))
}

fn limited(limit: &str, expected: StatusCode) -> Operation {
    let clock = clock();
    let policy = format!("rules: [{{ name: per-client, key: [ip], limits: [ {limit} ] }}]");
    let mut service = RateLimitLayer::new(engine(&policy, &clock)).layer(service_fn(answer));
    assert_eq!(call(&mut service), StatusCode::OK);
    operation(service, move || tick(&clock), expected)
}

fn operation<S, B>(mut service: S, before: impl Fn() + 'static, expected: StatusCode) -> Operation
where
    S: Service<Request<()>, Response = Response<B>> + 'static,
{
    Box::new(move || {
        before();
        assert!(call(&mut service) == expected);
    })
}

fn call<S, B>(service: &mut S) -> StatusCode
where
    S: Service<Request<()>, Response = Response<B>>,
{
    let mut request = Request::new(());
    request.extensions_mut().insert(Peer(IpAddr::from([203, 0, 113, 7])));
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    match pin!(service.call(request)).poll(&mut context) {
        Poll::Ready(Ok(response)) => response.status(),
        _ => panic!("a service in memory answers at once"),
    }
}
