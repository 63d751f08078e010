//! A decision as JSON.

use http::header::RETRY_AFTER;
use ratekeeper_core::Micros;
use ratekeeper_engine::{Decision, Degraded, LimitOutcome, Outcome};
use ratekeeper_http::Fields;
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use crate::app::App;
use crate::refusal_log::reason;

/// What `/v1/check` says of one request.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'o> {
    decision: &'static str,
    allowed: bool,
    denial: Option<&'static str>,
    granted: u64,
    delay_us: Option<u64>,
    retry_after_us: Option<u64>,
    degraded: bool,
    policy_version: &'o str,
    limits: Limits<'o>,
    headers: Headers,
    handle: Option<String>,
}

impl<'o> Answer<'o> {
    pub(super) fn new(app: &App, outcome: &'o Outcome, handle: Option<String>) -> Self {
        let (decision, delay_us) = match outcome.decision {
            Decision::Allow => ("allow", None),
            Decision::Deny(_) => ("deny", None),
            Decision::Delay(delay) => ("delay", Some(delay.get())),
        };
        let jitter = if outcome.allowed() { 0 } else { app.jitter() };
        Self {
            decision,
            allowed: outcome.allowed(),
            denial: reason(outcome),
            granted: outcome.granted,
            delay_us,
            retry_after_us: outcome.retry_after().map(Micros::get),
            degraded: outcome.degraded(),
            policy_version: outcome.policy().version(),
            limits: Limits(outcome),
            headers: Headers {
                fields: ratekeeper_http::fields(outcome, app.settings.dialect, app.engine.now()),
                retry_after: ratekeeper_http::retry_after(outcome, jitter),
            },
            handle,
        }
    }
}

/// Header fields, ready to be copied to a response.
#[derive(Debug)]
struct Headers {
    fields: Fields,
    retry_after: Option<u64>,
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name.as_str(), value.to_str().unwrap_or_default())?;
        }
        if let Some(seconds) = self.retry_after {
            map.serialize_entry(RETRY_AFTER.as_str(), &format_args!("{seconds}"))?;
        }
        map.end()
    }
}

#[derive(Debug)]
struct Limits<'o>(&'o Outcome);

impl Serialize for Limits<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.limits.len()))?;
        for limit in &self.0.limits {
            list.serialize_element(&Line::new(limit, self.0.rule(limit).name()))?;
        }
        list.end()
    }
}

/// What one limit says.
#[derive(Debug, Serialize)]
pub(super) struct Line<'o> {
    rule: &'o str,
    #[serde(serialize_with = "written")]
    limit: &'o ratekeeper_core::Limit,
    mode: &'static str,
    allowed: bool,
    remaining: Option<u64>,
    retry_after_us: Option<u64>,
    reset_after_us: Option<u64>,
    degraded: Option<&'static str>,
}

impl<'o> Line<'o> {
    pub(super) fn new(limit: &'o LimitOutcome, rule: &'o str) -> Self {
        let verdict = limit.verdict.as_ref();
        Self {
            rule,
            limit: &limit.limit,
            mode: limit.mode.name(),
            allowed: limit.allowed,
            remaining: verdict.map(|verdict| verdict.remaining),
            retry_after_us: verdict.and_then(|verdict| verdict.retry_after).map(Micros::get),
            reset_after_us: verdict.map(|verdict| verdict.reset_after.get()),
            degraded: limit.degraded.map(|degraded| match degraded {
                Degraded::StoreFull => "store_full",
                Degraded::Local => "local",
                Degraded::Allowed => "allowed",
                _ => "denied",
            }),
        }
    }
}

fn written<S: Serializer>(limit: &ratekeeper_core::Limit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(limit)
}
