//! The Tower layer before services of every kind. The middlewares of other frameworks have the same cases.

mod allocations;
mod counting;
mod holding;
mod kit;
mod refusing;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, request, response};
use http_body_util::Full;
use ratekeeper_http::{Body, RateLimitLayer as Front};
use tower::util::BoxCloneService;
use tower::{Layer as _, ServiceExt as _};

use self::kit::{engine, from, header, text};

type Answer = Response<Body<Full<Bytes>>>;
type Limited = BoxCloneService<Request<Full<Bytes>>, Answer, Infallible>;

/// A service that answers with the status that the path names, to `/stuck` never, and to `/told` with a limit of its own, behind a
/// layer; and how often it was reached.
async fn service(front: &Front) -> (Limited, Arc<AtomicU64>) {
    let served = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&served);
    let inner = tower::service_fn(move |request: Request<Full<Bytes>>| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            let path = request.uri().path().trim_start_matches('/');
            if path == "stuck" {
                std::future::pending::<()>().await;
            }
            let mut response = Response::new(Full::new(Bytes::from_static(b"served")));
            if path == "told" {
                response.headers_mut().insert("ratelimit", HeaderValue::from_static("\"inner\";r=1;t=1"));
            }
            *response.status_mut() = path.parse().unwrap_or(StatusCode::OK);
            Ok::<_, Infallible>(response)
        }
    });
    (BoxCloneService::new(front.layer(inner)), served)
}

async fn ask(service: &Limited, request: Request<Full<Bytes>>) -> Answer {
    service.clone().oneshot(request).await.unwrap()
}

fn path(request: &request::Parts) -> &str {
    request.uri.path()
}

fn user(request: &request::Parts) -> Option<String> {
    Some(request.headers.get("x-user")?.to_str().unwrap().to_owned())
}

fn status(response: &response::Parts) -> u16 {
    response.status.as_u16()
}

/// With an answer of its own to refused requests, 418.
fn answering(front: Front) -> Front {
    front.refusal(|refused| {
        let rule = refused.outcome().rule(refused.outcome().refusing().next().unwrap()).name().to_owned();
        let mut response = Response::new(format!("{rule}: {:?}", refused.retry_after()).into());
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
        response
    })
}
