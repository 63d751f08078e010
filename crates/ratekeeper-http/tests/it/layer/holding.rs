//! A slot is held until the response body has ended, or is dropped.

use http::StatusCode;
use http_body_util::BodyExt as _;

use super::{Front, ask, engine, from, service};

const ONE_SLOT: &str = "rules: [{ name: slots, key: [ip], limits: [ 1 concurrent ttl 60s ] }]";

#[tokio::test]
async fn until_the_body_has_been_sent() {
    let (limited, _) = service(&Front::new(engine(ONE_SLOT).0)).await;
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
    let (limited, _) = service(&Front::new(engine(ONE_SLOT).0)).await;
    for _ in 0..3 {
        let response = ask(&limited, from("203.0.113.7", "/x")).await;
        assert_eq!(response.status(), StatusCode::OK);
        drop(response);
    }
}

#[tokio::test]
async fn until_the_client_goes_away() {
    let (limited, _) = service(&Front::new(engine(ONE_SLOT).0)).await;
    let mut waiting = Box::pin(ask(&limited, from("203.0.113.7", "/stuck")));
    assert!(poll(&mut waiting).is_pending());
    assert_eq!(ask(&limited, from("203.0.113.7", "/x")).await.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(waiting);
    assert_eq!(ask(&limited, from("203.0.113.7", "/x")).await.status(), StatusCode::OK);
}

fn poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}
