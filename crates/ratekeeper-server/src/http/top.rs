//! `GET /v1/top`: what the rules decide, and whom they refuse most.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth;
use super::check::json;
use super::error::ApiError;
use crate::app::App;
use crate::top::MOST_SUBJECTS;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// How many subjects.
    #[serde(default = "twenty")]
    n: usize,
}

fn twenty() -> usize {
    20
}

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    auth::may_operate(&app, request.headers())?;
    let Query(options) = Query::<Options>::try_from_uri(request.uri()).map_err(|error| {
        ApiError::bad_request(format!("The query is not understood: {}.", error.body_text()))
    })?;
    if options.n > MOST_SUBJECTS {
        return Err(ApiError::bad_request(format!("n: write {MOST_SUBJECTS} at most.")));
    }
    let current = app.engine.current();
    let rules: Vec<Value> = current
        .rules()
        .iter()
        .map(|rule| {
            let counters = app.metrics.rule(rule.name(), rule.mode());
            json!({
                "rule": rule.name(),
                "mode": rule.mode().name(),
                "allowed": counters.allowed.get(),
                "denied": counters.denied.get(),
                "degraded": counters.degraded.get(),
            })
        })
        .collect();
    let subjects: Vec<Value> = app
        .refused
        .most(options.n)
        .into_iter()
        .map(|subject| {
            json!({
                "rule": subject.rule,
                "key": subject.key,
                "refused": subject.refused,
                "overestimate": subject.overestimate,
            })
        })
        .collect();
    json(&json!({
        "policy_version": current.version(),
        "uptime_seconds": app.uptime().as_secs(),
        "rules": rules,
        "refused_subjects": subjects,
    }))
}
