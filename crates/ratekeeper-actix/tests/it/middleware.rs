//! The cases that the Tower layer has.

#[path = "../../../ratekeeper-http/tests/it/layer/counting.rs"]
mod counting;
#[path = "../../../ratekeeper-http/tests/it/layer/holding.rs"]
mod holding;
#[path = "../../../ratekeeper-http/tests/it/layer/kit.rs"]
pub(crate) mod kit;
#[path = "../../../ratekeeper-http/tests/it/layer/refusing.rs"]
mod refusing;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::{ResponseHead, Service, ServiceResponse};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Error, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::Full;
use ratekeeper_actix::RateLimit as Front;
use ratekeeper_http::Peer;

use self::kit::{engine, from, header, text};

type Answer = Response<Content>;
type Limited = Rc<dyn Fn(Request<Full<Bytes>>) -> Pin<Box<dyn Future<Output = Answer>>>>;

/// The body of an answer in the types of the cases.
pub(crate) struct Content(BoxBody);

impl http_body::Body for Content {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.0).poll_next(context).map_ok(Frame::data)
    }
}

/// An application that answers with the status that the path names, to `/stuck` never, and to `/told` with a limit of its
/// own, behind the middleware; and how often it was reached.
async fn service(front: &Front) -> (Limited, Arc<AtomicU64>) {
    let served = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&served);
    let handler = move |request: HttpRequest| {
        counter.fetch_add(1, Ordering::Relaxed);
        answer(request)
    };
    let app = Rc::new(init_service(App::new().wrap(front.clone()).default_service(web::to(handler))).await);
    let limited = move |request: Request<Full<Bytes>>| {
        let app = Rc::clone(&app);
        Box::pin(async move {
            let response: Result<ServiceResponse<_>, Error> = app.call(asking(&request).to_request()).await;
            told(response.unwrap().map_into_boxed_body())
        }) as Pin<Box<dyn Future<Output = Answer>>>
    };
    (Rc::new(limited), served)
}

async fn answer(request: HttpRequest) -> HttpResponse {
    let path = request.path().trim_start_matches('/');
    if path == "stuck" {
        std::future::pending::<()>().await;
    }
    let mut response = HttpResponse::build(path.parse().unwrap_or(actix_web::http::StatusCode::OK));
    if path == "told" {
        response.insert_header(("ratelimit", "\"inner\";r=1;t=1"));
    }
    response.body("served")
}

/// The same request in the types of actix-web.
fn asking(request: &Request<Full<Bytes>>) -> TestRequest {
    let mut asking = TestRequest::with_uri(&request.uri().to_string());
    for (name, value) in request.headers() {
        asking = asking.append_header((name.as_str(), value.as_bytes()));
    }
    match request.extensions().get::<Peer>() {
        Some(Peer(ip)) => asking.peer_addr((*ip, 1).into()),
        None => asking,
    }
}

/// An answer in the types of the cases.
fn told(response: ServiceResponse<BoxBody>) -> Answer {
    let (head, body) = response.into_parts().1.into_parts();
    let mut answer = Response::new(Content(body));
    *answer.status_mut() = StatusCode::from_u16(head.status().as_u16()).unwrap();
    for (name, value) in head.headers() {
        let name = http::HeaderName::try_from(name.as_str()).unwrap();
        answer.headers_mut().append(name, value.as_bytes().try_into().unwrap());
    }
    answer
}

async fn ask(limited: &Limited, request: Request<Full<Bytes>>) -> Answer {
    limited(request).await
}

fn path(request: &HttpRequest) -> &str {
    request.path()
}

fn user(request: &HttpRequest) -> Option<String> {
    Some(request.headers().get("x-user")?.to_str().unwrap().to_owned())
}

fn status(response: &ResponseHead) -> u16 {
    response.status.as_u16()
}

/// With an answer of its own to refused requests, 418.
fn answering(front: Front) -> Front {
    front.refusal(|refused, mut response| {
        let rule = refused.outcome().rule(refused.outcome().refusing().next().unwrap()).name();
        let text = format!("{rule}: {:?}", refused.retry_after());
        response
            .status(actix_web::http::StatusCode::IM_A_TEAPOT)
            .content_type("text/plain")
            .body(text)
    })
}
