//! Why a store did not answer.

use ratekeeper_core::{KeyError, StepError};

/// A store could not decide. Never a denial: what happens then is the rule's failure policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or broke off.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// No answer within the deadline. What was asked may or may not have been written.
    #[error("the store did not answer within its deadline")]
    Timeout,
    /// A log or a list of holders would outgrow the memory that the store may use.
    #[error("the store is full: {bytes} of at most {max_bytes} bytes are in use; raise max_bytes")]
    Full {
        /// Bytes in use.
        bytes: usize,
        /// Bytes at most.
        max_bytes: usize,
    },
    /// The server has more to do than it may: asking less often helps.
    #[error("the store is throttled: {reason}")]
    Throttled {
        /// Who said so, and what would help.
        reason: String,
    },
    /// Others wrote the same counter at the same time, time and again.
    #[error("the store gave up after {tries} tries: others wrote the same counter each time")]
    Contended {
        /// How often it was tried.
        tries: u32,
    },
    /// It failed so often of late that it is not asked for a while.
    #[error("the store failed too often of late; it is asked again soon")]
    Resting,
    /// A state would be larger than what the store can hold; nothing was written.
    #[error(
        "a state of {bytes} bytes is larger than the {max_bytes} that the store can hold; lower the limit's count"
    )]
    TooLarge {
        /// Bytes of the state.
        bytes: u64,
        /// Bytes at most.
        max_bytes: u64,
    },
    /// The store cannot be used as it is set up; asking again does not help.
    #[error("the store is not set up: {reason}")]
    Misconfigured {
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A unit names one key twice.
    #[error("a unit names the key {key} twice; every check of a request needs a key of its own")]
    DuplicateKey {
        /// The key, escaped.
        key: String,
    },
    /// A key is too long.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The operation does not exist for a limit of the batch; nothing was written.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl StoreError {
    /// A store broke its contract: it left a check without a verdict.
    #[cold]
    #[must_use]
    pub fn no_verdict() -> Self {
        Self::Unavailable { reason: "the store left a check without a verdict".to_owned() }
    }

    /// The names of all kinds of errors, for metrics.
    pub const KINDS: [&'static str; 11] = [
        "unavailable",
        "timeout",
        "full",
        "throttled",
        "contended",
        "resting",
        "too_large",
        "misconfigured",
        "duplicate_key",
        "key",
        "step",
    ];

    /// The place of this error's kind among the [`KINDS`](Self::KINDS).
    #[must_use]
    pub const fn kind(&self) -> usize {
        match self {
            Self::Unavailable { .. } => 0,
            Self::Timeout => 1,
            Self::Full { .. } => 2,
            Self::Throttled { .. } => 3,
            Self::Contended { .. } => 4,
            Self::Resting => 5,
            Self::TooLarge { .. } => 6,
            Self::Misconfigured { .. } => 7,
            Self::DuplicateKey { .. } => 8,
            Self::Key(_) => 9,
            Self::Step(_) => 10,
        }
    }

    /// Whether asking again later may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. }
                | Self::Timeout
                | Self::Full { .. }
                | Self::Throttled { .. }
                | Self::Contended { .. }
                | Self::Resting
        )
    }
}
