//! What balancers and Prometheus ask.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::error::ApiError;
use crate::app::App;

/// `GET /healthz`: the process is alive.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the server takes requests, and is not about to end.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    if app.is_ready() {
        Ok("ready\n")
    } else {
        Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is starting or ending; ask another one.",
        ))
    }
}

/// `GET /metrics`, as Prometheus reads them.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let loaded = app.policy.get().loaded_at.as_micros();
    // The page is of floats anyway.
    #[allow(clippy::cast_precision_loss, clippy::float_arithmetic)]
    let page = app.metrics.page(&app.engine, &app.stores, loaded as f64 / 1e6);
    let page = page.map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response())
}
