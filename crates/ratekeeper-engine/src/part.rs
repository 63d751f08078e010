//! A request of several parts, decided as one.

use ratekeeper_core::Limit;
use ratekeeper_policy::Attributes;

use crate::{Request, RequestOp};

/// One part of a request: something that is counted by itself, such as a descriptor of Envoy's. All parts of a request pass
/// together or none does.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// What is known of it.
    pub attributes: Attributes<'a>,
    /// What it is held against.
    pub by: By<'a>,
    /// What it costs, before the costs of rules multiply it.
    pub cost: u64,
    /// What to do. A [`RequestOp::TakeUpTo`] beside other parts is a take.
    pub op: RequestOp,
}

/// What a part of a request is held against.
#[derive(Clone, Copy, Debug, Default)]
pub enum By<'a> {
    /// Every rule of the policy that it meets.
    #[default]
    Policy,
    /// The rule at this place in [`Policy::rules`](ratekeeper_policy::Policy::rules), whether it meets it or not. Lists are
    /// not looked at.
    Rule(usize),
    /// A limit that it brings along, counted by its domain and descriptors in the store `default`. Lists are not looked at.
    Limit(&'a Limit),
}

impl<'a> Part<'a> {
    /// A take of cost 1 by the policy.
    #[must_use]
    pub fn new(attributes: Attributes<'a>) -> Self {
        Self { attributes, by: By::Policy, cost: 1, op: RequestOp::Take }
    }
}

impl<'a> From<&Request<'a>> for Part<'a> {
    fn from(request: &Request<'a>) -> Self {
        Self { cost: request.cost, op: request.op, ..Self::new(request.attributes) }
    }
}
