//! How an engine is put together.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use ratekeeper_core::{MAX_SPAN, Micros};
use ratekeeper_policy::{Policy, StoreConfig};
use ratekeeper_store::{Clock, MemoryConfig, MemoryStore, Store, StoreError, SystemClock};

use crate::abandoned::Abandoned;
use crate::secret::random;
use crate::snapshot::{Snapshot, Sources, Stores};
use crate::{Engine, EngineError, Secret};

/// Makes the store that the policy describes under a name, where it is of another type than memory. It does not wait for
/// the server behind it.
pub type Connect = dyn Fn(&str, &StoreConfig) -> Result<Arc<dyn Store>, StoreError> + Send + Sync;

/// How long a reservation can be settled, unless the builder says otherwise: one hour.
const RESERVATION_TTL: Micros = Micros::HOUR;

/// Puts an [`Engine`] together.
#[derive(Debug)]
pub struct EngineBuilder {
    policy: Policy,
    sources: Sources,
    clock: Option<Arc<dyn Clock>>,
    secret: Option<Secret>,
    reservation_ttl: Micros,
}

impl EngineBuilder {
    pub(crate) fn new(policy: Policy) -> Self {
        let sources = Sources { given: Stores::new(), only: None, connect: None };
        Self { policy, sources, clock: None, secret: None, reservation_ttl: RESERVATION_TTL }
    }

    /// The store behind a name of the policy's `stores`. Memory stores need not be given.
    #[must_use]
    pub fn store(mut self, name: &str, store: Arc<dyn Store>) -> Self {
        self.sources.given.insert(name.to_owned(), store);
        self
    }

    /// What makes the stores of a policy that are of another type than memory and were not given by name. It is asked again
    /// when a policy comes into force that describes a store differently.
    #[must_use]
    pub fn connect(mut self, connect: Arc<Connect>) -> Self {
        self.sources.connect = Some(connect);
        self
    }

    /// One store behind every name, whatever its type in the policy: for replays and tests.
    #[must_use]
    pub fn only_store(mut self, store: Arc<dyn Store>) -> Self {
        self.sources.only = Some(store);
        self
    }

    /// The clock of this process; by default the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The key of reservations: equal on all engines that settle each other's; by default random.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// How long after it was made a reservation can be settled: 1 us to 2^50 us.
    #[must_use]
    pub fn reservation_ttl(mut self, ttl: Micros) -> Self {
        self.reservation_ttl = ttl.clamp(Micros::new(1), MAX_SPAN);
        self
    }

    /// The engine.
    ///
    /// # Errors
    /// If a store of the policy is not of type memory and was neither given nor can be made, if one cannot hold what a
    /// limit needs, or if the operating system has no randomness.
    pub fn build(self) -> Result<Engine, EngineError> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let no_randomness = |error: getrandom::Error| EngineError::NoRandomness { reason: error.to_string() };
        let secret = match self.secret {
            Some(secret) => secret,
            None => Secret::random().map_err(no_randomness)?,
        };
        // Engines that share a secret share stores, and must not share holders.
        let holder_seed = u64::from_le_bytes(random().map_err(no_randomness)?);
        let snapshot = Snapshot::new(self.policy, &self.sources, None, &clock)?;
        Ok(Engine {
            current: ArcSwap::from_pointee(snapshot),
            swapping: Mutex::new(()),
            sources: self.sources,
            local: Arc::new(MemoryStore::with_clock(MemoryConfig::default(), Arc::clone(&clock))),
            clock,
            abandoned: Abandoned::default(),
            holders: AtomicU64::new(0),
            holder_seed,
            secret,
            reservation_ttl: self.reservation_ttl,
        })
    }
}
