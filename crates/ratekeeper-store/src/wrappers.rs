//! What stands around a store that is asked over a network, put together.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ratekeeper_core::Key;

use crate::store::pass_on;
use crate::{
    Answer, Batch, Breaker, BreakerConfig, BreakerState, Clock, Coalesce, CoalesceConfig, Deadline,
    DenyCache, Store, StoreError, SystemClock,
};

/// Which wrappers stand around a store: from the outside in a [`DenyCache`], a [`Breaker`], a [`Deadline`] and
/// [`Coalesce`]. What is `None` is left out.
///
/// ```
/// use std::sync::Arc;
/// use ratekeeper_core::{Key, Limit, Micros};
/// use ratekeeper_store::{BreakerState, MemoryStore, StoreExt, Wrappers};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let store = Wrappers { deny_cache: false, ..Wrappers::default() }.wrap(Arc::new(MemoryStore::default()));
/// let limit = Limit::token_bucket(10, Micros::SECOND)?;
/// assert_eq!(store.take(Key::new(b"alice")?, &limit, 1).await?.remaining, 9);
/// let stats = store.stats();
/// assert_eq!((stats.calls, stats.breaker), (1, Some(BreakerState::Closed)));
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrappers {
    /// How long a call may take. Default 20 ms: far above a healthy server's answer, and little for who waits.
    pub deadline: Option<Duration>,
    /// When a failing store is left alone. On by default.
    pub breaker: Option<BreakerConfig>,
    /// How concurrent calls are put together. On by default.
    pub coalesce: Option<CoalesceConfig>,
    /// Whether refusals are remembered for up to a second. On by default.
    pub deny_cache: bool,
}

impl Default for Wrappers {
    fn default() -> Self {
        Self {
            deadline: Some(Duration::from_millis(20)),
            breaker: Some(BreakerConfig::default()),
            coalesce: Some(CoalesceConfig::default()),
            deny_cache: true,
        }
    }
}

impl Wrappers {
    /// Puts them around `store`, on the system's clock.
    #[must_use]
    pub fn wrap(&self, store: Arc<dyn Store>) -> Wrapped {
        self.wrap_on(store, Arc::new(SystemClock::new()))
    }

    /// Puts them around `store`, on a clock of the caller's. Deadlines are by the clock of tokio.
    #[must_use]
    pub fn wrap_on(&self, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Wrapped {
        let mut outer = store;
        let coalesce = self.coalesce.map(|config| {
            let coalesce = Arc::new(Coalesce::new(Arc::clone(&outer), config));
            outer = coalesce.clone();
            coalesce
        });
        if let Some(budget) = self.deadline {
            outer = Arc::new(Deadline::new(outer.clone(), budget));
        }
        let breaker = self.breaker.map(|config| {
            let breaker = Arc::new(Breaker::new(outer.clone(), config, Arc::clone(&clock)));
            outer = breaker.clone();
            breaker
        });
        let deny_cache = self.deny_cache.then(|| {
            let cache = Arc::new(DenyCache::new(outer.clone(), clock));
            outer = cache.clone();
            cache
        });
        Wrapped { outer, coalesce, breaker, deny_cache, counts: Counts::default() }
    }
}

type Around<W> = Option<Arc<W>>;

/// A store with its [`Wrappers`], and what they have seen.
pub struct Wrapped {
    outer: Arc<dyn Store>,
    coalesce: Around<Coalesce<Arc<dyn Store>>>,
    breaker: Around<Breaker<Arc<dyn Store>>>,
    deny_cache: Around<DenyCache<Arc<dyn Store>>>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    errors: [AtomicU64; StoreError::KINDS.len()],
}

/// What the wrappers of a store have seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrapperStats {
    /// Batches that were asked, also those that were answered without the store.
    pub calls: u64,
    /// Errors that were answered, by their place among [`StoreError::KINDS`]: `timeout` is the deadline's, `resting` the
    /// breaker's.
    pub errors: [u64; StoreError::KINDS.len()],
    /// What the breaker lets through now; `None` without one.
    pub breaker: Option<BreakerState>,
    /// How often the breaker has opened.
    pub breaker_opened: u64,
    /// Units that were asked together with others.
    pub coalesced: u64,
    /// Checks that wait to be asked now.
    pub waiting: usize,
    /// Units that were refused without asking.
    pub denied_from_cache: u64,
}

impl Wrapped {
    /// What the wrappers have seen so far.
    #[must_use]
    pub fn stats(&self) -> WrapperStats {
        let (coalesce, breaker) = (self.coalesce.as_ref(), self.breaker.as_ref());
        WrapperStats {
            calls: self.counts.calls.load(Relaxed),
            errors: self.counts.errors.each_ref().map(|count| count.load(Relaxed)),
            breaker: breaker.map(|breaker| breaker.state()),
            breaker_opened: breaker.map_or(0, |breaker| breaker.opened()),
            coalesced: coalesce.map_or(0, |coalesce| coalesce.gathered()),
            waiting: coalesce.map_or(0, |coalesce| coalesce.waiting()),
            denied_from_cache: self.deny_cache.as_ref().map_or(0, |cache| cache.denied()),
        }
    }
}

impl Counts {
    fn count(&self, answer: Result<(), StoreError>) -> Result<(), StoreError> {
        if let Err(error) = &answer {
            self.errors[error.kind()].fetch_add(1, Relaxed);
        }
        answer
    }
}

impl Store for Wrapped {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        self.counts.calls.fetch_add(1, Relaxed);
        match self.outer.apply(batch) {
            Answer::Ready(answer) => Answer::Ready(self.counts.count(answer)),
            Answer::Later(later) => Answer::Later(Box::pin(async { self.counts.count(later.await) })),
        }
    }

    pass_on!(self => self.outer);
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wrapped").field(&self.outer).finish()
    }
}
