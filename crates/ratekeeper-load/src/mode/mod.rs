//! The kinds of load tests.

mod exact;
mod soak;
mod steady;
mod stress;

pub(crate) use self::exact::{ExactReport, exact};
pub(crate) use self::soak::{SoakReport, soak};
pub(crate) use self::steady::steady;
pub(crate) use self::stress::{StressReport, stress};

use std::time::Duration;

use crate::options::Load;
use crate::target::Target;

/// Which kind of load test it is.
#[derive(Clone, Debug)]
pub enum Mode {
    /// One load, for a time.
    Steady {
        /// How requests come.
        load: Load,
        /// For how long.
        lasts: Duration,
    },
    /// Many times more than the server can do, and back.
    Stress {
        /// What the server can do; measured, if nothing is given.
        sustainable: Option<crate::schedule::Rate>,
        /// How long each of the parts takes.
        lasts: Duration,
        /// How many times more.
        factor: u64,
    },
    /// Whether any key is given more than its limit.
    Exact {
        /// How requests come.
        load: Load,
        /// For how long.
        lasts: Duration,
    },
    /// Whether the server's memory grows.
    Soak {
        /// How requests come.
        load: Load,
        /// For how long.
        lasts: Duration,
        /// The page of its metrics.
        metrics: Target,
        /// How often it is looked at.
        every: Duration,
    },
}
