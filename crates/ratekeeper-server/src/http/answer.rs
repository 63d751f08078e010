//! A decision as JSON.

use std::io::Write as _;

use ratekeeper_core::Micros;
use ratekeeper_engine::{Decision, Degraded, LimitOutcome, Outcome};
use ratekeeper_policy::Rule;

use super::write::JsonWriter;
use crate::app::App;
use crate::refusal_log::reason;

/// What `/v1/check` says of one request.
pub(super) fn write(app: &App, outcome: &Outcome, handle: Option<&str>, out: &mut Vec<u8>) {
    let (decision, delay) = match outcome.decision {
        Decision::Allow => ("allow", None),
        Decision::Deny(_) => ("deny", None),
        Decision::Delay(delay) => ("delay", Some(delay.get())),
    };
    let mut json = JsonWriter(out);
    json.raw("{\"decision\":").word(decision);
    json.raw(",\"allowed\":").bool(outcome.allowed());
    json.raw(",\"denial\":").word_or_null(reason(outcome));
    json.raw(",\"granted\":").number(outcome.granted);
    json.raw(",\"delay_us\":").number_or_null(delay);
    json.raw(",\"retry_after_us\":").number_or_null(outcome.retry_after().map(Micros::get));
    json.raw(",\"degraded\":").bool(outcome.degraded());
    json.raw(",\"policy_version\":").word(outcome.policy().version());
    json.raw(",\"limits\":");
    json.list(&outcome.limits, |json, limit| write_limit(limit, outcome.rule(limit), json));
    json.raw(",\"headers\":");
    write_headers(app, outcome, &mut json);
    json.raw(",\"handle\":").word_or_null(handle).raw("}");
}

/// Header fields, ready to be copied to a response.
fn write_headers(app: &App, outcome: &Outcome, json: &mut JsonWriter<'_>) {
    let mut separator = "{";
    for (name, value) in ratekeeper_http::text_fields(outcome, app.settings.dialect, outcome.decided_at()) {
        json.raw(separator).word(name).raw(":").text(&value);
        separator = ",";
    }
    if !outcome.allowed()
        && let Some(seconds) =
            ratekeeper_http::retry_after(outcome, ratekeeper_http::draw_jitter(app.settings.retry_jitter))
    {
        json.raw(separator).raw("\"retry-after\":\"").number(seconds).raw("\"");
        separator = ",";
    }
    json.raw(if separator == "{" { "{}" } else { "}" });
}

/// What one limit says.
pub(super) fn write_limit(limit: &LimitOutcome, rule: &Rule, json: &mut JsonWriter<'_>) {
    let verdict = limit.verdict.as_ref();
    json.raw("{\"rule\":").word(rule.name());
    json.raw(",\"limit\":\"");
    // Most limits are written already; those of overrides and arms are not. None needs an escape.
    match rule.limits().get(limit.ordinal).filter(|known| *known.limit() == limit.limit) {
        Some(known) => _ = json.raw(known.text()),
        // Writing to a vector cannot fail.
        None => _ = write!(json.0, "{}", limit.limit),
    }
    json.raw("\",\"mode\":").word(limit.mode.name());
    json.raw(",\"allowed\":").bool(limit.allowed);
    json.raw(",\"remaining\":").number_or_null(verdict.map(|verdict| verdict.remaining));
    let retry_after = verdict.and_then(|verdict| verdict.retry_after);
    json.raw(",\"retry_after_us\":").number_or_null(retry_after.map(Micros::get));
    json.raw(",\"reset_after_us\":")
        .number_or_null(verdict.map(|verdict| verdict.reset_after.get()));
    json.raw(",\"degraded\":").word_or_null(limit.degraded.map(degradation)).raw("}");
}

fn degradation(degraded: Degraded) -> &'static str {
    match degraded {
        Degraded::StoreFull => "store_full",
        Degraded::Local => "local",
        Degraded::Allowed => "allowed",
        _ => "denied",
    }
}
