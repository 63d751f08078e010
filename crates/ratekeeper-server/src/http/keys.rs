//! `GET|DELETE|POST /v1/keys/{rule}?PART=VALUE…`: one subject's counters, for operators.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use ratekeeper_core::MAX_COUNT;
use ratekeeper_engine::{Engine, EngineError, Operation};
use ratekeeper_policy::Rule;
use serde::{Deserialize, Deserializer};

use super::answer::write_limit;
use super::check::json_response;
use super::error::ApiError;
use super::json::Count;
use super::write::JsonWriter;
use super::{auth, body, json};
use crate::app::App;
use crate::subject::Subject;

type RuleName = Result<Path<String>, axum::extract::rejection::PathRejection>;

/// Looks at the counters.
pub(super) async fn inspect(
    State(app): State<Arc<App>>,
    rule: RuleName,
    request: Request,
) -> Result<Response, ApiError> {
    auth::may_operate(&app, request.headers())?;
    operate(&app, rule, request.uri(), Operation::Inspect).await
}

/// Forgets the counters.
pub(super) async fn reset(
    State(app): State<Arc<App>>,
    rule: RuleName,
    request: Request,
) -> Result<Response, ApiError> {
    auth::may_operate(&app, request.headers())?;
    operate(&app, rule, request.uri(), Operation::Reset).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    op: Kind,
    cost: Count,
}

#[derive(Clone, Copy)]
enum Kind {
    Refund,
    Charge,
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::one_of(deserializer, &[("refund", Self::Refund), ("charge", Self::Charge)])
    }
}

/// Gives back, or takes.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    rule: RuleName,
    request: Request,
) -> Result<Response, ApiError> {
    auth::may_operate(&app, request.headers())?;
    let (head, body) = request.into_parts();
    let body = body::read(&app, &head.headers, body).await?;
    let Change { op, cost: Count(cost) } = body::parse(&body)?;
    if !(1..=MAX_COUNT).contains(&cost) {
        return Err(ApiError::bad_request(format!("cost: {cost} is out of range; write 1 to {MAX_COUNT}.")));
    }
    let operation = match op {
        Kind::Refund => Operation::Refund(cost),
        Kind::Charge => Operation::Charge(cost),
    };
    operate(&app, rule, &head.uri, operation).await
}

async fn operate(app: &App, rule: RuleName, uri: &Uri, operation: Operation) -> Result<Response, ApiError> {
    let Path(name) =
        rule.map_err(|error| ApiError::bad_request(format!("The path is not understood: {error}.")))?;
    let Query(parts) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|error| {
        ApiError::bad_request(format!("The query is not understood: {}.", error.body_text()))
    })?;
    let done = operate_on(&app.engine, &name, &parts, operation).await?;
    if operation != Operation::Inspect {
        let subject = crate::shown::printable(&done.subject);
        tracing::info!(rule = name, subject, ?operation, "operator");
    }
    Ok(json_response(done.json))
}

/// The counters of one subject, after an operation.
pub(crate) struct Operated {
    /// What `/v1/keys` answers.
    pub(crate) json: Vec<u8>,
    /// The subject as it may be shown.
    subject: String,
}

/// Looks at or changes the counters of the subject that `parts` name.
pub(crate) async fn operate_on(
    engine: &Engine,
    name: &str,
    parts: &[(String, String)],
    operation: Operation,
) -> Result<Operated, ApiError> {
    let current = engine.current();
    let Some(rule) = current.rules().iter().find(|rule| rule.name() == name) else {
        let known: Vec<_> = current.rules().iter().map(Rule::name).collect();
        let detail = format!("The policy in force has no such rule; it has {}.", known.join(", "));
        return Err(not_found(detail));
    };
    let subject = subject(rule, parts)?;
    let counters = engine.operate(name, &subject.attributes(), operation).await;
    let counters = counters.map_err(|error| match error {
        EngineError::KeyPartMissing { .. } => named_by(rule, "One of them is missing."),
        other => other.into(),
    })?;
    let mut out = Vec::new();
    let mut json = JsonWriter(&mut out);
    json.raw("{\"rule\":").word(rule.name()).raw(",\"key\":{");
    for (place, (part, value)) in parts.iter().enumerate() {
        json.raw(if place > 0 { "," } else { "" }).text(part).raw(":").text(value);
    }
    json.raw("},\"limits\":")
        .list(&counters.limits, |json, limit| write_limit(limit, rule, json))
        .raw("}");
    Ok(Operated { json: out, subject: rule.subject(&subject.attributes()).join(",") })
}

/// The subject of a rule that a query names.
fn subject<'q>(rule: &Rule, parts: &'q [(String, String)]) -> Result<Subject<'q>, ApiError> {
    let known = rule.key_names();
    for (place, (part, _)) in parts.iter().enumerate() {
        if !known.contains(part) {
            return Err(named_by(rule, "Something else is given."));
        }
        if parts[..place].iter().any(|(other, _)| other == part) {
            return Err(named_by(rule, "One of them is given twice."));
        }
    }
    let parts = parts.iter().map(|(part, value)| (part.as_str(), value.as_str()));
    Subject::new(parts).map_err(|error| not_found(format!("{error}.")))
}

/// A subject is named by the query, so a query that names none is answered as a path that leads nowhere.
fn not_found(detail: String) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, detail)
}

fn named_by(rule: &Rule, what: &str) -> ApiError {
    let parts = rule.key_parts();
    let expected = if parts.is_empty() {
        "This rule counts all requests together: give no part of a key.".to_owned()
    } else {
        format!("A subject of this rule is named by {}, each once in the query.", parts.join(", "))
    };
    not_found(format!("{expected} {what}"))
}
