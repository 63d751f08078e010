//! Reserve now, settle later.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use ratekeeper_core::MAX_COUNT;
use ratekeeper_engine::Settlement;
use serde::Deserialize;
use serde_json::json;

use super::check::{json, json_response};
use super::error::ApiError;
use super::json::Count;
use super::question::Question;
use super::text::Text;
use super::{answer, auth, body};
use crate::app::{App, instant};

/// `POST /v1/reserve`: takes an estimated cost, and answers with what settles it.
pub(super) async fn reserve(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let body = authorized_body(&app, request).await?;
    let question: Question<'_> = body::parse(&body)?;
    let prepared = question.prepared()?;
    let request = prepared.request();
    let began = instant();
    let reserved = app.engine.reserve(&request).await;
    app.record(&reserved.outcome, &[request.attributes], began);
    let mut out = Vec::with_capacity(1024);
    answer::write(&app, &reserved.outcome, reserved.handle.as_deref(), &mut out);
    Ok(json_response(out))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commit<'a> {
    #[serde(borrow)]
    handle: Text<'a>,
    actual: Count,
}

/// `POST /v1/commit`: settles a reservation at its actual cost, once.
pub(super) async fn commit(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let body = authorized_body(&app, request).await?;
    let Commit { handle, actual: Count(actual) } = body::parse(&body)?;
    if actual > MAX_COUNT {
        return Err(ApiError::bad_request(format!(
            "actual: {actual} is out of range; write 0 to {MAX_COUNT}."
        )));
    }
    let settlement = match app.engine.commit(&handle, actual).await? {
        Settlement::Settled => "settled",
        Settlement::Repeated => "repeated",
    };
    json(&json!({ "settlement": settlement }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release<'a> {
    #[serde(borrow)]
    handle: Text<'a>,
}

/// `POST /v1/release`: frees slots of concurrency limits.
pub(super) async fn release(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let body = authorized_body(&app, request).await?;
    let Release { handle } = body::parse(&body)?;
    app.engine.release_handle(&handle).await?;
    json(&json!({ "released": true }))
}

async fn authorized_body(app: &App, request: Request) -> Result<axum::body::Bytes, ApiError> {
    let (head, body) = request.into_parts();
    auth::may_check(app, &head.headers)?;
    body::read(app, &head.headers, body).await
}
