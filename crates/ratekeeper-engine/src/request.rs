//! One question to the engine.

use ratekeeper_core::{Op, Timestamp};
use ratekeeper_policy::Attributes;

/// What is asked for one request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is known of it.
    pub attributes: Attributes<'a>,
    /// What it costs, before the costs of rules multiply it.
    pub cost: u64,
    /// [`Op::Take`] to take all of the cost or none, [`Op::TakeUpTo`] to take what is left of it, [`Op::Peek`] to take
    /// nothing. Other operations are for operators, on single counters.
    pub op: Op,
    /// The instant to decide at; `None` for the clock.
    pub now: Option<Timestamp>,
}

impl<'a> Request<'a> {
    /// A take of cost 1, now.
    #[must_use]
    pub fn new(attributes: Attributes<'a>) -> Self {
        Self { attributes, cost: 1, op: Op::Take, now: None }
    }

    /// The same request at another cost.
    #[must_use]
    pub fn costing(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// The same request with another operation.
    #[must_use]
    pub fn asking(mut self, op: Op) -> Self {
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
