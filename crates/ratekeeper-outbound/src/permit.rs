//! That a call may go.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::Told;
use crate::counters::Tokens;
use crate::lane::Lane;
use crate::peer::Amount;

/// What a call took, and when it went in the order of all calls.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) cost: u64,
    /// All that went, up to and including this call.
    pub(crate) gone: Amount,
    /// What was out when it went.
    pub(crate) out: Amount,
    pub(crate) tokens: Tokens,
    /// Whether it is not out any more.
    pub(crate) answered: bool,
}

/// That one call may go now. Hold it until the call is over: dropping it frees the slot of a concurrency limit.
///
/// Tell it the response with [`observe`](Self::observe), so that the pacer learns what the peer says of its limits, and from
/// which call it learns it.
#[derive(Debug)]
#[must_use = "the call goes while the permit is held; dropping it frees the slots of concurrency limits"]
pub struct Permit {
    lane: Arc<Lane>,
    receipt: Receipt,
    waited: Duration,
    /// Whether it has come to whom it was for.
    taken: bool,
}

impl Permit {
    pub(crate) fn new(lane: Arc<Lane>, receipt: Receipt, waited: Duration) -> Self {
        Self { lane, receipt, waited, taken: false }
    }

    /// The permit in the hands of whom it was for: now the call counts.
    pub(crate) fn taken(mut self) -> Self {
        self.taken = true;
        self
    }

    /// How long the call waited.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Takes in what the response to this call says of the peer's limits, and returns what that is.
    pub fn observe(&mut self, status: StatusCode, headers: &HeaderMap) -> Told {
        let told = Told::read(status, headers, self.lane.settings().time.now());
        self.lane.hear(&told, Some(&mut self.receipt));
        told
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.lane.give_back(&mut self.receipt, !self.taken);
    }
}
