//! `GET /v1/policy`: the policy in force, without its secrets.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use ratekeeper_core::Timestamp;
use ratekeeper_policy::Rule;
use serde_json::{Value, json};

use super::auth;
use super::check::json;
use super::error::ApiError;
use crate::app::App;

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    auth::may_operate(&app, request.headers())?;
    let (current, status) = (app.engine.current(), app.policy.get());
    let last_error = status.last_error.map(|(at, error)| json!({ "at": time(at), "error": error }));
    json(&json!({
        "version": current.version(),
        "loaded_at": time(status.loaded_at),
        "rules": current.rules().iter().map(rule).collect::<Vec<_>>(),
        "warnings": current.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "last_error": last_error,
    }))
}

fn rule(rule: &Rule) -> Value {
    json!({
        "name": rule.name(),
        "description": rule.description(),
        "mode": rule.mode().name(),
        "key": rule.key_parts(),
        "limits": rule.limits().iter().map(|limit| limit.limit().to_string()).collect::<Vec<_>>(),
        "store": rule.store(),
    })
}

/// As RFC 3339 has it, in UTC.
fn time(at: Timestamp) -> String {
    let micros = i64::try_from(at.as_micros()).unwrap_or_default();
    jiff::Timestamp::from_microsecond(micros).unwrap_or_default().to_string()
}
