//! A slot is held until the response body has ended, or is dropped.

use http::StatusCode;
use http_body_util::BodyExt as _;
use ratekeeper_http::RateLimitLayer;
use tower::ServiceExt as _;

use super::{ask, engine, from, service};

const ONE_SLOT: &str = "rules: [{ name: slots, key: [ip], limits: [ 1 concurrent ttl 60s ] }]";

#[tokio::test]
async fn until_the_body_has_been_sent() {
    let (limited, _) = service(&RateLimitLayer::new(engine(ONE_SLOT).0));
    let mut first = ask(&limited, from("203.0.113.7", "/x")).await;
    assert_eq!(ask(&limited, from("203.0.113.7", "/x")).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(first.body_mut().frame().await.unwrap().unwrap().is_data());
    assert_eq!(ask(&limited, from("203.0.113.7", "/x")).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(first.body_mut().frame().await.is_none());
    let second = ask(&limited, from("203.0.113.7", "/x")).await;
    assert_eq!(second.status(), StatusCode::OK, "the first has ended, though its response is still there");
}

#[tokio::test]
async fn until_the_response_is_dropped() {
    let (limited, _) = service(&RateLimitLayer::new(engine(ONE_SLOT).0));
    for _ in 0..3 {
        let response = ask(&limited, from("203.0.113.7", "/x")).await;
        assert_eq!(response.status(), StatusCode::OK);
        drop(response);
    }
}

#[tokio::test]
async fn until_the_client_goes_away() {
    let (engine, _) = engine(ONE_SLOT);
    let layer = RateLimitLayer::new(engine);
    let stuck = tower::Layer::layer(
        &layer,
        tower::service_fn(|_request: http::Request<_>| {
            std::future::pending::<
                Result<http::Response<http_body_util::Full<bytes::Bytes>>, std::convert::Infallible>,
            >()
        }),
    );
    let mut waiting = Box::pin(stuck.oneshot(from("203.0.113.7", "/x")));
    assert!(futures_poll(&mut waiting).is_pending());
    let (limited, _) = service(&layer);
    assert_eq!(ask(&limited, from("203.0.113.7", "/x")).await.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(waiting);
    assert_eq!(ask(&limited, from("203.0.113.7", "/x")).await.status(), StatusCode::OK);
}

fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}
