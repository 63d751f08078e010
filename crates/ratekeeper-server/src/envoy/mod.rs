//! Envoy's rate limit service, version 3: each descriptor is a part of one request, which passes as a whole or not at all.

mod grpc;
mod health;
mod json;
mod metadata;
mod request;
mod response;
mod timely;

use std::time::Duration;

use futures_util::future::join_all;
use ratekeeper_engine::{Current, Decision, Denial, Outcome, Part, RequestOp};
use ratekeeper_envoy::{Code, RateLimitRequest, RateLimitResponse};
use ratekeeper_policy::Attributes;
use tonic::Status;

pub(crate) use self::grpc::{Grpc, code_of, is_grpc};
pub(crate) use self::json::answer as answer_json;
use self::request::Asked;
use crate::app::{App, instant};
use crate::settings;

/// What answers carry beyond their statuses.
#[derive(Clone, Debug)]
pub(crate) struct EnvoyAnswers {
    shadow_mode: bool,
    dynamic_metadata: bool,
    headers: Option<HeaderNames>,
}

/// How the headers of a limit are called.
#[derive(Clone, Debug)]
struct HeaderNames {
    limit: String,
    remaining: String,
    reset: String,
}

impl EnvoyAnswers {
    pub(crate) fn new(settings: &settings::Envoy) -> Self {
        let headers = settings.response_headers.then(|| HeaderNames {
            limit: settings.limit_header.0.clone(),
            remaining: settings.remaining_header.0.clone(),
            reset: settings.reset_header.0.clone(),
        });
        Self {
            shadow_mode: settings.shadow_mode,
            dynamic_metadata: settings.dynamic_metadata,
            headers,
        }
    }
}

/// Decides a request.
///
/// # Errors
/// If it makes no sense, or a store failed, and a rule with `on_store_error: deny` says so.
async fn decide(app: &App, request: &RateLimitRequest) -> Result<RateLimitResponse, Status> {
    let asked = Asked::new(request)?;
    let current = app.engine.current();
    // What a domain that nobody has configured brings along is no limit of ours.
    let parts = asked.parts(current.knows_domain(&request.domain));
    let began = instant();
    let outcome = app.engine.check_parts_under(&current, &parts, None).await;
    let attributes: Vec<Attributes<'_>> = parts.iter().map(|part| part.attributes).collect();
    app.record(&outcome, &attributes, began);
    if outcome.decision == Decision::Deny(Denial::StoreFailure) {
        // What Envoy does then is for its failure_mode_deny to say.
        return Err(Status::unavailable("A store failed, and the policy says that its rules deny then."));
    }
    count_what_has_happened(app, &current, &parts, &outcome).await;
    if let Decision::Delay(delay) = outcome.decision {
        tokio::time::sleep(Duration::from_micros(delay.get())).await;
    }
    let settings = &app.settings.envoy;
    let mut response = response::response(&outcome, parts.len());
    if let Some(names) = &settings.headers {
        response.response_headers_to_add = response::headers(&response.statuses, names);
    }
    if settings.dynamic_metadata {
        response.dynamic_metadata = metadata::metadata(request, &outcome, &response);
    }
    if settings.shadow_mode {
        response.set_overall_code(Code::Ok);
    }
    Ok(response)
}

/// Several hits at once have happened already, such as the tokens that an answer took. Those that are refused are counted as far
/// as there is room for them: else whoever asks for more than is left could do so for ever.
async fn count_what_has_happened(app: &App, current: &Current, parts: &[Part<'_>], outcome: &Outcome) {
    let mut refused: Vec<usize> = if outcome.allowed() {
        // What rides along has refused, and nothing was counted beside it.
        let by_part = outcome.limits.chunk_by(|one, next| one.part == next.part);
        by_part
            .filter(|limits| limits.iter().all(|limit| !limit.allowed))
            .map(|limits| limits[0].part)
            .collect()
    } else {
        outcome.refusing().map(|limit| limit.part).collect()
    };
    refused.dedup();
    let rest: Vec<Part<'_>> = refused
        .into_iter()
        .map(|part| parts[part])
        .filter(|part| part.op == RequestOp::Take && part.cost > 1)
        .map(|part| Part { op: RequestOp::TakeUpTo, ..part })
        .collect();
    // Each by itself, since what one has left is nothing to the other.
    let counted =
        join_all(rest.chunks(1).map(|part| app.engine.check_parts_under(current, part, None))).await;
    for outcome in counted.iter().filter(|outcome| outcome.holds()) {
        // Nothing is held for what was refused.
        if let Err(error) = app.engine.release(outcome).await {
            tracing::warn!(%error, "a slot stays held until its ttl");
        }
    }
}
