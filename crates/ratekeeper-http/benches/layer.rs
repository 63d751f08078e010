//! What the Tower layer costs: `layer bare|limited|none TIMES`, to be run under callgrind, which counts what happens in
//! [`call_again`]; `none` tells clients of no limits. The difference to `bare` is the layer's:
//!
//! `valgrind --tool=callgrind --toggle-collect='*call_again*' target/release/deps/layer-… limited 1000`

#![allow(missing_docs, clippy::unwrap_used)]

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use ratekeeper_engine::Engine;
use ratekeeper_http::{Dialect, Peer, RateLimitLayer};
use ratekeeper_policy::Policy;
use tower::{Layer as _, Service};

const POLICY: &str =
    "rules: [{ name: per-client, key: [ip], limits: [ 1000000 per second burst 4000000000 ] }]";

async fn answer(_: Request<Empty<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"served"))))
}

fn request() -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = http::Uri::from_static("/api/v1/orders");
    request.headers_mut().insert("host", http::HeaderValue::from_static("api.example.com"));
    request.extensions_mut().insert(Peer([203, 0, 113, 7].into()));
    request
}

#[inline(never)]
fn call_again<S, B>(service: &mut S, times: usize) -> usize
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    let mut served = 0;
    for _ in 0..times {
        let answer = pin!(service.call(black_box(request()))).poll(&mut context);
        served += usize::from(matches!(answer, Poll::Ready(Ok(response)) if response.status().is_success()));
    }
    served
}

fn measure(what: &str, times: usize) {
    let mut bare = tower::service_fn(answer);
    let engine = Engine::new(Policy::parse(POLICY, "bench.yaml", &|_| None).unwrap()).unwrap();
    let layer = RateLimitLayer::new(engine);
    let layer = if what == "none" {
        layer.dialect(Dialect::None)
    } else {
        layer
    };
    let mut limited = layer.layer(bare);
    // The first request makes the counter.
    assert_eq!(call_first(&mut limited), 1);
    let served = if what == "bare" {
        call_again(&mut bare, times)
    } else {
        call_again(&mut limited, times)
    };
    assert_eq!(served, times);
}

fn call_first(
    service: &mut impl Service<Request<Empty<Bytes>>, Response = Response<impl Sized>, Error = Infallible>,
) -> usize {
    let answer = pin!(service.call(request())).poll(&mut Context::from_waker(Waker::noop()));
    usize::from(answer.is_ready())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &arguments[..] {
        [what, times] => measure(what, times.parse().unwrap()),
        _ => ["bare", "limited", "none"].into_iter().for_each(|what| measure(what, 1)),
    }
}
