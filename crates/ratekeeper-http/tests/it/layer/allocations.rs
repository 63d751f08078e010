//! What the layer allocates for a request that passes.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Waker};

use allocation_counter::measure;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use ratekeeper_http::Dialect;
use tower::{Layer as _, Service};

use super::Front;
use super::kit::{engine, from};

const POLICY: &str = "rules: [{ name: a, key: [ip], limits: [ 9 per minute ] }]";

async fn serve(_: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"served"))))
}

/// How often something is allocated for one more request.
fn allocated<B>(
    mut service: impl Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
) -> u64 {
    let mut call = || {
        let mut request = from("203.0.113.7", "/x");
        request.headers_mut().insert("host", http::HeaderValue::from_static("api.example.com"));
        let answer = measure(|| {
            let answer = pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop()));
            assert!(answer.is_ready());
        });
        answer.count_total
    };
    // The first request makes the counter.
    call();
    call()
}

#[test]
fn only_the_header_fields_are_allocated() {
    let layer = Front::new(engine(POLICY).0);
    assert_eq!(allocated(tower::service_fn(serve)), 0);
    let silent = layer.clone().dialect(Dialect::None);
    assert_eq!(allocated(silent.layer(tower::service_fn(serve))), 0);
    // Two values, and the map that the service has left empty.
    assert!(allocated(layer.layer(tower::service_fn(serve))) <= 4);
}
