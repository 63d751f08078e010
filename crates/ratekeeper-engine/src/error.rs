//! Why an engine could not be made, or a reservation not be settled.

use ratekeeper_store::StoreError;

/// What can go wrong around an engine. A decision itself never fails: see [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The policy has a store that the engine was not given.
    #[error(
        "stores.{name}: no {kind} store was given to the engine; add one with EngineBuilder::store, or use type memory"
    )]
    StoreMissing {
        /// Its name in the policy.
        name: String,
        /// Its type in the policy.
        kind: String,
    },
    /// A store of the policy cannot be used as it is written there.
    #[error("stores.{name}: {reason}")]
    StoreUnusable {
        /// Its name in the policy.
        name: String,
        /// What the store says.
        reason: StoreError,
    },
    /// A store cannot hold what a limit may have to remember.
    #[error(
        "rule {rule:?}: {limit} may have to remember {bytes} bytes, and the store {store:?} holds {max_bytes} for one \
         counter; lower the count, or choose another algorithm or store"
    )]
    StateTooLarge {
        /// The rule.
        rule: String,
        /// The limit.
        limit: String,
        /// Bytes that it may need.
        bytes: u64,
        /// The name of the store.
        store: String,
        /// Bytes that the store holds.
        max_bytes: u64,
    },
    /// No secret was given, and the operating system has no randomness to make one.
    #[error(
        "secret: the operating system gives no randomness ({reason}); give a secret with EngineBuilder::secret"
    )]
    NoRandomness {
        /// What it says.
        reason: String,
    },
    /// A handle of a reservation that this engine (or another with its secret) did not make, or that was changed.
    #[error(
        "reservation: this is not a handle of ours; all engines that share reservations need the same secret"
    )]
    ForeignHandle,
    /// A reservation was settled too late: its cost stays spent.
    #[error("reservation: it expired {micros} us ago; what it took stays spent")]
    Expired {
        /// How long ago, in microseconds.
        micros: u64,
    },
    /// A store that holds counters of the reservation is not known to this engine.
    #[error("reservation: it holds counters in the store {name:?}, which this policy does not have")]
    StoreUnknown {
        /// The name of the store.
        name: String,
    },
    /// There is no rule with this name.
    #[error("rule {name:?}: the policy in force has no such rule")]
    RuleUnknown {
        /// The name.
        name: String,
    },
    /// The subject of a rule is not fully named.
    #[error("rule {rule}: {part} is missing; a subject is named by all parts of the rule's key")]
    KeyPartMissing {
        /// The rule.
        rule: String,
        /// The part of its key, such as `header:x-api-key`.
        part: String,
    },
    /// A store that forgets live counters when it is full cannot tell what was settled before.
    #[error(
        "stores.{name}: overflow evict may forget that a reservation was settled; use share or deny where you reserve"
    )]
    Forgetful {
        /// The name of the store.
        name: String,
    },
    /// A store failed; settling or releasing a reservation again is safe.
    #[error("{0}; try again")]
    Store(#[from] StoreError),
}
