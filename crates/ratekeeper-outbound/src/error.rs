//! Why a call may not go.

use std::time::Duration;

use ratekeeper_core::KeyError;

/// A call was not let through. Nothing was taken for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaceError {
    /// As many calls wait as may.
    #[error(
        "{waiting} calls wait already; this one would have waited at least {wait:?}; raise max_waiting, or call less"
    )]
    Full {
        /// How many wait.
        waiting: usize,
        /// How long it would have taken: at least, since peers and slots may make it longer.
        wait: Duration,
    },
    /// It would take longer than the call may wait.
    #[error("this call would have to wait at least {wait:?}, and may wait {most:?}")]
    TooLong {
        /// How long it would have taken: at least, since peers and slots may make it longer.
        wait: Duration,
        /// How long it may wait.
        most: Duration,
    },
    /// The limits never let so much through at once.
    #[error("a call of cost {cost} can never pass: the limits let {most} through at once")]
    TooCostly {
        /// What the call costs.
        cost: u64,
        /// The most that a call may cost.
        most: u64,
    },
    /// As many keys are paced as may be, and none is idle.
    #[error("{max_keys} keys are paced already, and none of them is idle; raise max_keys")]
    TooManyKeys {
        /// How many there may be.
        max_keys: usize,
    },
    /// The key is too long.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is a wait, and nothing to wait with.
    #[error(
        "a call that has to wait needs a Tokio runtime with time enabled; wait inside of one, or use try_ready"
    )]
    NoRuntime,
}
