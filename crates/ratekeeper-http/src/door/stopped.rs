//! A request that does not pass.

use bytes::Bytes;
use http::{Response, StatusCode};
use ratekeeper_engine::Outcome;

use super::{Told, grpc};
use crate::Problem;

/// Why a request does not reach the service.
#[derive(Debug)]
pub enum Stopped {
    /// It cannot be decided.
    Problem(Problem),
    /// Its limits refuse it.
    Refused(Box<Refused>),
}

/// A request that was refused, for what answers it in a way of its own.
#[derive(Debug)]
pub struct Refused {
    pub(super) outcome: Outcome,
    pub(super) problem: Problem,
    pub(super) retry_after: Option<u64>,
    pub(super) told: Told,
}

impl Stopped {
    /// What a client is answered by default, to a gRPC call as its status; without the fields.
    #[must_use]
    pub fn answer(&self, is_call: bool) -> Response<Bytes> {
        let problem = match self {
            Self::Problem(problem) => problem,
            Self::Refused(refused) => &refused.problem,
        };
        if is_call {
            return grpc::refusal(problem.status, &problem.detail);
        }
        problem.to_response()
    }

    /// The refusal, if limits refuse it.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Problem(_) => None,
            Self::Refused(refused) => Some(refused),
        }
    }

    /// What the answer tells beside.
    #[must_use]
    pub fn into_told(self) -> Told {
        match self {
            Self::Problem(_) => Told::default(),
            Self::Refused(refused) => refused.told,
        }
    }
}

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Refused {
    /// The decision, with every limit that refuses.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
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
        &self.problem
    }
}
