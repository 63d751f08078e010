//! One question to the engine.

use ratekeeper_core::{Op, Timestamp};
use ratekeeper_policy::Attributes;

/// What to do with the counters of a request. Other operations are for operators, on single counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestOp {
    /// Take all of the cost or none.
    #[default]
    Take,
    /// Take what is left of the cost.
    TakeUpTo,
    /// Take nothing, and answer as a take would.
    Peek,
    /// Take the cost whatever is left, into debt if need be, and never refuse: for what is known only afterwards.
    /// Concurrency limits are left alone.
    Charge,
    /// Give the cost back, as far as it was taken, and never refuse: for what turned out not to be used. Limits that take
    /// back only what a request gives, those on what is concurrent and queues, are left alone.
    Refund,
}

impl From<RequestOp> for Op {
    fn from(op: RequestOp) -> Self {
        match op {
            RequestOp::Take => Self::Take,
            RequestOp::TakeUpTo => Self::TakeUpTo,
            RequestOp::Peek => Self::Peek,
            RequestOp::Charge => Self::Charge,
            RequestOp::Refund => Self::Refund,
        }
    }
}

/// What is asked for one request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is known of it.
    pub attributes: Attributes<'a>,
    /// What it costs, before the costs of rules multiply it.
    pub cost: u64,
    /// What to do.
    pub op: RequestOp,
    /// The instant to decide at; `None` for the clock.
    pub now: Option<Timestamp>,
}

impl<'a> Request<'a> {
    /// A take of cost 1, now.
    #[must_use]
    pub fn new(attributes: Attributes<'a>) -> Self {
        Self { attributes, cost: 1, op: RequestOp::Take, now: None }
    }

    /// The same request at another cost.
    #[must_use]
    pub fn costing(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// The same request with another operation.
    #[must_use]
    pub fn asking(mut self, op: RequestOp) -> Self {
        self.op = op;
        self
    }

    /// The same request at an instant of the caller's, for replays and tests.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }
}
