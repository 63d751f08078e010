//! `POST /v1/check`: may these requests pass?

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::answer::Answer;
use super::error::ApiError;
use super::json::Object;
use super::question::{Asked, Question, Questions};
use super::{auth, body};
use crate::app::{App, instant};

/// A decision is an answer, whatever it is: refused requests are 200 too.
pub(super) async fn answer(State(app): State<Arc<App>>, request: Request) -> Response {
    let response = match decide(&app, request).await {
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

async fn decide(app: &App, request: Request) -> Result<Vec<u8>, ApiError> {
    let (head, body) = request.into_parts();
    auth::may_check(app, &head.headers)?;
    let body = body::read(app, &head.headers, body).await?;
    let mut out = Vec::with_capacity(512);
    match body::parse::<Questions<'_>>(&body)?.asked()? {
        Asked::One(question) => ask(app, &question, &mut out).await?,
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
                ask(app, question, &mut out).await?;
            }
            out.extend_from_slice(b"]}");
        }
    }
    Ok(out)
}

async fn ask(app: &App, question: &Question<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
    let prepared = question.prepared()?;
    let request = prepared.request();
    let began = instant();
    let outcome = app.engine.check(&request).await;
    app.record(&outcome, &request.attributes, began);
    let handle = if outcome.holds() {
        app.engine.handle(&outcome)
    } else {
        None
    };
    write(&Answer::new(app, &outcome, handle), out)
}

pub(super) fn write(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), ApiError> {
    serde_json::to_writer(out, value).map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The answer cannot be written: {error}."))
    })
}

/// JSON, ready to be sent.
pub(super) fn json_response(json: Vec<u8>) -> Response {
    let mut response = Response::new(json.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A value as a response.
pub(super) fn json(value: &impl Serialize) -> Result<Response, ApiError> {
    let mut out = Vec::new();
    write(value, &mut out)?;
    Ok(json_response(out))
}
