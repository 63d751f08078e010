//! `GET|POST /v1/authorize`: the decision about the request that a proxy has before it, for nginx's `auth_request`,
//! Traefik's and Caddy's `forward_auth`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, StatusCode, Uri};
use ratekeeper_core::MAX_COUNT;
use ratekeeper_engine::{Current, Decision, Outcome, Request as EngineRequest};
use ratekeeper_http::{Facts, Peer, Problem};
use serde::Deserialize;

use super::auth;
use super::error::ApiError;
use crate::app::{App, instant};

/// What the proxy's configuration asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// The status of refusals, for proxies that understand only some.
    deny_status: Option<u16>,
    cost: Option<u64>,
}

/// Statuses that proxies understand as a refusal.
const DENY_STATUSES: [u16; 2] = [403, 429];

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let (head, _) = request.into_parts();
    auth::may_check(&app, &head.headers)?;
    let options = options(&head.uri)?;
    let current = app.engine.current();
    let facts = facts(&app, &current, &head)?;
    let outcome = decide(&app, &current, &facts, options.cost.unwrap_or(1)).await;
    if let Decision::Delay(delay) = outcome.decision {
        tokio::time::sleep(Duration::from_micros(delay.get())).await;
    }
    let mut response = match Problem::refusing(&outcome) {
        None => StatusCode::OK.into_response(),
        Some(mut problem) => {
            let asked = options.deny_status.and_then(|status| StatusCode::from_u16(status).ok());
            problem.status = asked.unwrap_or(problem.status);
            refusal(&app, &outcome, &problem)
        }
    };
    for (name, value) in ratekeeper_http::fields(&outcome, app.settings.dialect, outcome.decided_at()) {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

fn options(uri: &Uri) -> Result<Options, ApiError> {
    let options = Query::<Options>::try_from_uri(uri).map_err(|error| {
        ApiError::bad_request(format!("The query is not understood: {}.", error.body_text()))
    })?;
    if options.deny_status.is_some_and(|status| !DENY_STATUSES.contains(&status)) {
        return Err(ApiError::bad_request("deny_status: write 403 or 429."));
    }
    if options.cost.is_some_and(|cost| !(1..=MAX_COUNT).contains(&cost)) {
        return Err(ApiError::bad_request(format!("cost: write 1 to {MAX_COUNT}.")));
    }
    Ok(options.0)
}

async fn decide(app: &App, current: &Current, facts: &Facts<'_>, cost: u64) -> Outcome {
    let borrowed = facts.borrowed();
    let attributes = borrowed.attributes();
    let began = instant();
    let outcome = app.engine.check_under(current, &EngineRequest::new(attributes).costing(cost)).await;
    app.record(&outcome, &[attributes], began);
    outcome
}

/// What is known of the request before the proxy: what a trusted proxy says of it, else what this one says itself.
fn facts<'a>(app: &App, current: &Current, head: &'a Parts) -> Result<Facts<'a>, ApiError> {
    let mut facts =
        Facts::new(head, current.uses_headers()).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let Some(Peer(peer)) = head.extensions.get::<Peer>() else {
        return Ok(facts);
    };
    let client = ratekeeper_http::client(*peer, &head.headers, current.client_ip());
    if let Some(why) = client.degraded {
        app.metrics.client_ip_degraded(why);
    }
    facts.ip = Some(client.ip);
    if ratekeeper_http::is_trusted(*peer, current.client_ip()) {
        forwarded(&mut facts, head)?;
    }
    Ok(facts)
}

/// Method, target and host as a trusted proxy names them.
fn forwarded<'a>(facts: &mut Facts<'a>, head: &'a Parts) -> Result<(), ApiError> {
    if let Some(method) = said(head, &["x-original-method", "x-forwarded-method"])? {
        facts.method = method;
    }
    if let Some(host) = said(head, &["x-forwarded-host"])? {
        facts.host = Some(host);
    }
    if let Some(target) = said(head, &["x-original-uri", "x-forwarded-uri"])? {
        facts.path = path_of(target);
    }
    Ok(())
}

/// What a proxy says in a header that has several names. A proxy sets one of them, and may pass on another that its client
/// has made up: where they differ, nobody knows which is which.
fn said<'a>(head: &'a Parts, names: &[&str]) -> Result<Option<Cow<'a, str>>, ApiError> {
    let mut lines = names.iter().flat_map(|name| head.headers.get_all(*name));
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    if lines.any(|other| other != first) {
        let names = names.join(" and ");
        return Err(ApiError::bad_request(format!("{names}: they are there more than once, and differ.")));
    }
    Ok(Some(text(first.as_bytes().trim_ascii())))
}

/// Bytes as text; those that are no UTF-8 are percent-encoded, which in a target is another spelling of the same.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
    }
    out.into()
}

/// The path of a target, which may be a whole URI.
fn path_of(target: Cow<'_, str>) -> Cow<'_, str> {
    match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            rest.find(['/', '?']).map_or("/", |start| &rest[start..]).to_owned().into()
        }
        _ => target,
    }
}

fn refusal(app: &App, outcome: &Outcome, problem: &Problem) -> Response {
    let mut response = problem.to_response();
    if let Some(refusal) = &app.settings.refusal {
        *response.body_mut() = refusal.body.clone();
        response.headers_mut().insert(CONTENT_TYPE, refusal.content_type.clone());
    }
    if let Some(seconds) =
        ratekeeper_http::retry_after(outcome, ratekeeper_http::draw_jitter(app.settings.retry_jitter))
    {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response.map(Body::from)
}
