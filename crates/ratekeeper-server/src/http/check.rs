//! `POST /v1/check`: may these requests pass?

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::BoxError;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use http_body::Body;
use ratekeeper_engine::Current;
use serde::Serialize;

use super::error::ApiError;
use super::json::Object;
use super::question::{Asked, Question, Questions};
use super::{answer, auth, body};
use crate::app::{App, instant};

/// A decision is an answer, whatever it is: refused requests are 200 too.
pub(super) async fn respond<B>(app: &App, request: Request<B>) -> Response
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send,
{
    let response = match decide(app, request).await {
        Ok(json) => json_response(json),
        Err(error) => error.into_response(),
    };
    if response.status() == StatusCode::OK {
        app.metrics.checks_answered.inc();
    } else {
        app.metrics.answered("/v1/check", response.status());
    }
    response
}

async fn decide<B>(app: &App, request: Request<B>) -> Result<Vec<u8>, ApiError>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send,
{
    let (head, body) = request.into_parts();
    auth::may_check(app, &head.headers)?;
    let body = body::read(app, &head.headers, body).await?;
    let current = app.engine.current();
    if current.answers_at_once() {
        return answers_now(app, &current, &body);
    }
    Box::pin(answers(app, &current, &body)).await
}

/// The same where nothing has to be waited for: what is large on the way stays in its place on the stack, and is not moved
/// about with the future of the request.
fn answers_now(app: &App, current: &Current, body: &[u8]) -> Result<Vec<u8>, ApiError> {
    match pin!(answers(app, current, body)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(decided) => decided,
        Poll::Pending => {
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "A store did not answer at once."))
        }
    }
}

/// Decides all that is asked, by one policy.
async fn answers(app: &App, current: &Current, body: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut out = Vec::with_capacity(1024);
    match body::parse::<Questions<'_>>(body)?.asked()? {
        Asked::One(question) => ask(app, current, &question, &mut out).await?,
        Asked::Many(questions) => {
            // All are looked at before any is decided: a list with a mistake takes nothing.
            for (place, Object(question)) in questions.iter().enumerate() {
                question.prepared().map_err(|mut error| {
                    error.0.detail = format!("checks[{place}].{}", error.0.detail).into();
                    error
                })?;
            }
            out.extend_from_slice(b"{\"results\":[");
            for (place, Object(question)) in questions.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                ask(app, current, question, &mut out).await?;
            }
            out.extend_from_slice(b"]}");
        }
    }
    Ok(out)
}

async fn ask(
    app: &App,
    current: &Current,
    question: &Question<'_>,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let prepared = question.prepared()?;
    let request = prepared.request();
    let began = instant();
    let outcome = app.engine.check_under(current, &request).await;
    app.record(&outcome, &[request.attributes], began);
    let handle = if outcome.holds() {
        app.engine.handle(&outcome)
    } else {
        None
    };
    answer::write(app, &outcome, handle.as_deref(), out);
    Ok(())
}

/// JSON, ready to be sent.
pub(super) fn json_response(json: Vec<u8>) -> Response {
    let mut response = Response::new(json.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A value as a response.
pub(crate) fn json(value: &impl Serialize) -> Result<Response, ApiError> {
    let json = serde_json::to_vec(value).map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The answer cannot be written: {error}."))
    })?;
    Ok(json_response(json))
}
