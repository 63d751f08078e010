//! The engine: one policy at a time, any number of requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use ratekeeper_core::{Holder, Micros, Timestamp};
use ratekeeper_policy::Policy;
use ratekeeper_store::{Clock, MemoryStats, MemoryStore, Store as _};

use crate::abandoned::Abandoned;
use crate::asking::Asking;
use crate::snapshot::{Snapshot, Sources};
use crate::{Current, EngineBuilder, EngineError, Outcome, Part, Request, Secret};

/// Decides requests by a policy, over the stores that the policy names.
///
/// ```
/// use ratekeeper_engine::{Engine, Request};
/// use ratekeeper_policy::{Attributes, Policy};
/// let source = "rules: [{ name: per-client, key: [ip], limits: [2 per minute] }]";
/// let engine = Engine::new(Policy::parse(source, "policy.yaml", &|_| None)?)?;
/// let request = Request::new(Attributes { ip: Some("203.0.113.7".parse()?), ..Default::default() });
/// assert!(engine.check_now(&request).unwrap().allowed());
/// assert!(engine.check_now(&request).unwrap().allowed());
/// let refused = engine.check_now(&request).unwrap();
/// assert!(!refused.allowed());
/// assert_eq!(refused.rule(refused.refusing().next().unwrap()).name(), "per-client");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    pub(crate) current: ArcSwap<Snapshot>,
    pub(crate) swapping: Mutex<()>,
    pub(crate) sources: Sources,
    /// Where rules with `on_store_error: local` count while their store fails.
    pub(crate) local: Arc<MemoryStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) abandoned: Abandoned,
    pub(crate) secret: Secret,
    pub(crate) reservation_ttl: Micros,
    pub(crate) holder_seed: u64,
    pub(crate) holders: AtomicU64,
}

impl Engine {
    /// An engine for a policy whose stores are all of type memory, on the system's clock.
    ///
    /// # Errors
    /// If the policy has a store of another type: use [`Engine::builder`] then.
    pub fn new(policy: Policy) -> Result<Self, EngineError> {
        Self::builder(policy).build()
    }

    /// Starts to put an engine together.
    #[must_use]
    pub fn builder(policy: Policy) -> EngineBuilder {
        EngineBuilder::new(policy)
    }

    /// Decides a request.
    ///
    /// Never fails: when a store does, the failure policy of each of its rules decides, and the outcome says so. Dropping
    /// the future before it is done leaves what some stores may have taken spent; nobody gets more by that. Slots of concurrency
    /// limits that it may have got are freed by the next request that wants one.
    pub async fn check(&self, request: &Request<'_>) -> Outcome {
        self.check_under(&self.current(), request).await
    }

    /// Decides a request by a policy that was looked at before, so that both are of one version.
    pub async fn check_under(&self, current: &Current, request: &Request<'_>) -> Outcome {
        self.check_parts_under(current, &[Part::from(request)], request.now).await
    }

    /// Decides a request of several parts, at `now` or by the clock: all of them pass and are counted, or none is, but for
    /// refunds, which are given in any case. What two parts say of the same counter is counted together.
    pub async fn check_parts_under(
        &self,
        current: &Current,
        parts: &[Part<'_>],
        now: Option<Timestamp>,
    ) -> Outcome {
        Asking::new(self, &current.0, parts, now).decide(false).await
    }

    /// Decides a request at once, if all stores of its rules answer at once, as those in memory do; `None` else. With a
    /// store of another kind use [`check`](Self::check) from the start: what was asked of it is not taken back.
    #[must_use]
    pub fn check_now(&self, request: &Request<'_>) -> Option<Outcome> {
        Asking::new(self, &self.current.load(), &[Part::from(request)], request.now).decide_now()
    }

    /// [`check_now`](Self::check_now) by a policy that was looked at before.
    #[must_use]
    pub fn check_now_under(&self, current: &Current, request: &Request<'_>) -> Option<Outcome> {
        self.check_parts_now_under(current, &[Part::from(request)], request.now)
    }

    /// [`check_parts_under`](Self::check_parts_under), at once as [`check_now`](Self::check_now) does.
    #[must_use]
    pub fn check_parts_now_under(
        &self,
        current: &Current,
        parts: &[Part<'_>],
        now: Option<Timestamp>,
    ) -> Option<Outcome> {
        Asking::new(self, &current.0, parts, now).decide_now()
    }

    /// Replaces the policy as a whole: every request sees either the old or the new one. Counters survive where key and
    /// limit are unchanged; a memory store lives on under its name, with the bounds it was made with, and any other as long as
    /// the policy describes it as before.
    ///
    /// # Errors
    /// If the new policy has a store that this engine cannot have; the old policy goes on.
    pub fn swap(&self, policy: Policy) -> Result<(), EngineError> {
        // One at a time: two would each make a store of their own for a new name.
        let _alone = self.swapping.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.load();
        let snapshot = Snapshot::new(policy, &self.sources, Some(&before), &self.clock)?;
        self.current.store(Arc::new(snapshot));
        Ok(())
    }

    /// The policy in force.
    #[must_use]
    pub fn current(&self) -> Current {
        Current(Guard::into_inner(self.current.load()))
    }

    /// The time by this engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The version of the policy in force.
    #[must_use]
    pub fn policy_version(&self) -> String {
        self.current.load().policy.version().to_owned()
    }

    /// What the memory stores of the policy in force hold, by name.
    #[must_use]
    pub fn memory_stats(&self) -> Vec<(String, MemoryStats)> {
        let current = self.current.load();
        let stores = current.stores.iter();
        stores.filter_map(|(name, store)| Some((name.clone(), store.memory()?.stats()))).collect()
    }

    /// A holder that no other request has.
    pub(crate) fn next_holder(&self) -> Holder {
        let number = self.holders.fetch_add(1, Ordering::Relaxed);
        Holder::new(u128::from(self.holder_seed) << 64 | u128::from(number))
    }
}
