//! What a refused client is answered.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use ratekeeper_engine::Outcome;

use super::config::Config;
use super::{Body, grpc};
use crate::{Dialect, Fields, Problem};

/// A request that was refused, for [`RateLimitLayer::refusal`](super::RateLimitLayer::refusal).
#[derive(Debug)]
pub struct Refused<'a> {
    outcome: &'a Outcome,
    problem: &'a Problem,
    retry_after: Option<u64>,
}

impl Refused<'_> {
    /// The decision, with every limit that refuses.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        self.outcome
    }

    /// The status that fits: 429, 403 for lists and missing keys, 503 where a store failed.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.problem.status
    }

    /// Whole seconds until the same request passes; `None` if it never will.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// What a client would be told by default.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        self.problem
    }
}

impl Config {
    /// The answer to a request that `outcome` refuses; `None` if it does not.
    pub(super) fn refuse<B>(&self, outcome: &Outcome, is_call: bool) -> Option<Response<Body<B>>> {
        let problem = Problem::refusing(outcome)?;
        let retry_after = crate::retry_after(outcome, crate::draw_jitter(self.jitter));
        let refused = Refused { outcome, problem: &problem, retry_after };
        let mut response = match &self.refuse {
            Some(refuse) => refuse(&refused),
            None => answer(&problem, is_call),
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().entry(RETRY_AFTER).or_insert(HeaderValue::from(seconds));
        }
        self.tell(outcome, &mut response);
        Some(response.map(Body::refusal))
    }

    /// Tells the client of its limits.
    pub(super) fn tell<B>(&self, outcome: &Outcome, response: &mut Response<B>) {
        add(self.fields(outcome), self.dialect, response);
    }

    pub(super) fn fields(&self, outcome: &Outcome) -> Fields {
        crate::fields(outcome, self.dialect, self.engine.now())
    }
}

/// Adds the fields of a dialect. Those that are lists go on after what an inner layer or the service has said; of the
/// others the inner one stands.
pub(super) fn add<B>(fields: Fields, dialect: Dialect, response: &mut Response<B>) {
    let headers = response.headers_mut();
    for (name, value) in fields {
        if dialect == Dialect::Draft11 {
            headers.append(name, value);
        } else {
            headers.entry(name).or_insert(value);
        }
    }
}

/// A problem as a response, to a gRPC call as its status.
pub(super) fn answer(problem: &Problem, is_call: bool) -> Response<Bytes> {
    if is_call {
        return grpc::refusal(problem.status, &problem.detail);
    }
    problem.to_response()
}
