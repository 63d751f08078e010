//! Problem details (RFC 9457): what a client is told when it does not get what it asked for.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use ratekeeper_engine::{Denial, Outcome};
use serde::Serialize;

use crate::dialect::names;

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
const REDUCED_CAPACITY: &str = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

/// A problem as `application/problem+json` has it.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// What kind of problem: a URI.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The kind in words.
    pub title: Cow<'static, str>,
    /// The status of the response.
    #[serde(serialize_with = "number")]
    pub status: StatusCode,
    /// What happened this time, and what would be right.
    pub detail: Cow<'static, str>,
    /// The limits that refuse, by the names that the RateLimit fields have.
    #[serde(rename = "violated-policies", skip_serializing_if = "Option::is_none")]
    pub violated_policies: Option<Vec<String>>,
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem of no other kind than its status says.
    #[must_use]
    pub fn of(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").into(),
            status,
            detail: detail.into(),
            violated_policies: None,
        }
    }

    /// The problem as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and numbers always can be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The problem as a response.
    #[must_use]
    pub fn to_response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.to_json().into());
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }

    /// What a client is told whom `outcome` refuses; `None` if it does not refuse.
    ///
    /// A full limit is 429, a failing store whose rule says so 503; who stands on the deny list, or lacks what a rule counts
    /// by, gets 403: trying again would not help. The reasons of lists are for operators and not told.
    #[must_use]
    pub fn refusing(outcome: &Outcome) -> Option<Self> {
        let ratekeeper_engine::Decision::Deny(denial) = outcome.decision else {
            return None;
        };
        let wait = crate::retry_after(outcome, 0);
        Some(match denial {
            Denial::Listed => Self::of(StatusCode::FORBIDDEN, "This client is not allowed here."),
            Denial::MissingKey => Self::of(StatusCode::FORBIDDEN, missing(outcome)),
            Denial::StoreFailure => Self {
                kind: REDUCED_CAPACITY,
                title: "The rate limiter cannot decide".into(),
                status: StatusCode::SERVICE_UNAVAILABLE,
                detail: "What counts requests cannot be reached. Try again later.".into(),
                violated_policies: Some(names(outcome)),
            },
            _ => Self {
                kind: QUOTA_EXCEEDED,
                title: "Too many requests".into(),
                status: StatusCode::TOO_MANY_REQUESTS,
                detail: match wait {
                    Some(1) => "Try again in 1 second.".into(),
                    Some(seconds) => format!("Try again in {seconds} seconds.").into(),
                    None => "This request costs more than the limit ever allows at once.".into(),
                },
                violated_policies: Some(names(outcome)),
            },
        })
    }
}

/// What a request must bring, as far as rules that count by it say.
fn missing(outcome: &Outcome) -> String {
    let rules = outcome.missing_key.iter().filter_map(|rule| outcome.policy().rules().get(*rule));
    let parts: Vec<String> = rules
        .filter(|rule| rule.mode() == ratekeeper_policy::Mode::Enforce)
        .map(|rule| rule.key_parts().join(" and "))
        .collect();
    format!("The request lacks what its limit is counted by: {}.", parts.join("; "))
}

#[cfg(test)]
mod tests {
    use ratekeeper_engine::{Engine, Request};
    use ratekeeper_policy::{Attributes, Policy};
    use serde_json::json;

    use super::*;

    fn told(rules: &str, times: usize) -> Option<serde_json::Value> {
        let engine = Engine::new(Policy::parse(rules, "policy.yaml", &|_| None).unwrap()).unwrap();
        let ip = Some("203.0.113.7".parse().unwrap());
        let request = Request::new(Attributes { ip, ..Attributes::default() });
        let outcome = (0..times).filter_map(|_| engine.check_now(&request)).last().unwrap();
        Problem::refusing(&outcome).map(|problem| serde_json::from_slice(&problem.to_json()).unwrap())
    }

    #[test]
    fn every_refusing_limit_is_named() {
        let rules = "rules:
          - { name: a, key: [ip], limits: [1 per day, 1 per hour, 9 per hour (fixed_window)] }
          - { name: b, limits: [1 per hour] }
          - { name: c, limits: [1 per hour], mode: shadow }";
        assert_eq!(told(rules, 1), None);
        let problem = told(rules, 2).unwrap();
        assert_eq!(problem["type"], QUOTA_EXCEEDED);
        assert_eq!(problem["status"], 429);
        assert_eq!(problem["detail"], "Try again in 86400 seconds.");
        assert_eq!(problem["violated-policies"], json!(["a:1d", "a:1h", "b"]));
    }

    #[test]
    fn lists_and_missing_keys_are_forbidden_and_reasons_are_kept() {
        let listed = told(
            "lists: { deny: [ { ip: 203.0.113.0/24, reason: fraud case 7 } ] }\nrules: [{ name: a, limits: [1 per day] }]",
            1,
        )
        .unwrap();
        assert_eq!(
            listed,
            json!({ "type": "about:blank", "title": "Forbidden", "status": 403, "detail": "This client is not allowed here." })
        );
        let missing =
            told("rules: [{ name: a, key: [header:x-api-key], missing: deny, limits: [1 per day] }]", 1);
        let detail = missing.unwrap()["detail"].clone();
        assert_eq!(detail, "The request lacks what its limit is counted by: header:x-api-key.");
    }
}
