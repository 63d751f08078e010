//! The answer of one limit.

use crate::time::Micros;
use crate::token::Token;

/// What one limit answers to one request.
///
/// `allowed` is the limit's own answer, whatever the other limits of the request say. `remaining` and
/// `reset_after` describe the state *after* the request's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether this limit lets the request pass.
    pub allowed: bool,
    /// How much was taken or charged: 0 where nothing was written.
    pub granted: u64,
    /// The greatest cost that would pass now.
    pub remaining: u64,
    /// How long to wait until the same request passes, if nothing else comes in between: zero when allowed,
    /// `None` when it can never pass.
    pub retry_after: Option<Micros>,
    /// How long until the state is as if nothing had ever been asked.
    pub reset_after: Micros,
    /// How long an accepted request should wait before it goes on; `None` for all but an accepting queue.
    pub delay: Option<Micros>,
    /// What a later refund of this take presents; `None` where nothing was taken.
    pub token: Option<Token>,
}
