//! Leaves a store alone that fails, and looks now and then whether it is back.

mod window;

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

use foldhash::fast::RandomState;
use ratekeeper_core::{Key, Micros, Timestamp};

use self::window::Window;
use crate::store::pass_on;
use crate::{Answer, Batch, Clock, Store, StoreError};

/// When a [`Breaker`] opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Opens when so many calls of a hundred fail. Default 50: one bad server of three does not shut out the others.
    pub failure_percent: u32,
    /// But not on fewer calls than this within the window. Default 20: where so few are asked, a deadline is enough.
    pub min_calls: u64,
    /// Over how long the calls are counted. Default 1 s: longer than a lost connection takes to be made again, and all
    /// callers wait for their deadlines for half of it at most.
    pub window: Duration,
    /// How long it rests the first time, at most; at least half of it, drawn at random, so that not all processes come
    /// back at once. It doubles each time the store fails again. Default 200 ms.
    pub cool_down: Duration,
    /// How long it rests at most. Default 5 s: so long a store that is back may not be noticed.
    pub max_cool_down: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failure_percent: 50,
            min_calls: 20,
            window: Duration::from_secs(1),
            cool_down: Duration::from_millis(200),
            max_cool_down: Duration::from_secs(5),
        }
    }
}

/// Whether a [`Breaker`] lets calls through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// All calls.
    Closed,
    /// None until this instant.
    Open(Timestamp),
    /// One at a time, to see whether the store is back.
    HalfOpen,
}

/// A store around a store that is not asked for a while when too many of its calls have failed: they are answered
/// [`StoreError::Resting`] at once. Then one call at a time goes through, until one is answered; if it fails the store
/// rests again, for longer.
///
/// Failures are those that say something of the store: unavailable, too slow, throttled. A denial is none, nor a
/// caller's mistake, nor what befalls one counter only ([`StoreError::Contended`], [`StoreError::Full`]): nobody can shut
/// a store out by asking for what is his own. A call that is given up says nothing, so a deadline belongs inside, not
/// around.
///
/// ```
/// use std::sync::Arc;
/// use ratekeeper_core::{Key, Limit, Micros};
/// use ratekeeper_store::testkit::{Fault, Faulty, block_on};
/// use ratekeeper_store::{
///     Breaker, BreakerConfig, BreakerState, MemoryStore, StoreError, StoreExt, SystemClock,
/// };
/// let failing = Faulty::new(MemoryStore::default());
/// failing.break_down(Fault::Fail(StoreError::Timeout));
/// let store = Breaker::new(failing, BreakerConfig::default(), Arc::new(SystemClock::new()));
/// let limit = Limit::token_bucket(10, Micros::SECOND)?;
/// let take = || block_on(store.take(Key::new(b"alice").unwrap(), &limit, 1));
/// assert!((0..20).all(|_| take() == Err(StoreError::Timeout)));
/// assert_eq!(take(), Err(StoreError::Resting));
/// assert!(matches!(store.state(), BreakerState::Open(_)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Breaker<S> {
    inner: S,
    config: BreakerConfig,
    clock: Arc<dyn Clock>,
    random: RandomState,
    window: Window,
    /// [`CLOSED`], [`PROBING`], or until when the store rests, in microseconds since the epoch.
    state: AtomicU64,
    /// How often it has opened in a row, and when it last closed.
    relapses: AtomicU32,
    closed_at: AtomicU64,
    opened: AtomicU64,
}

const CLOSED: u64 = 0;
/// Someone is finding out whether the store is back, or is about to say until when it rests.
const PROBING: u64 = u64::MAX;

impl<S: Store> Breaker<S> {
    /// Watches over `inner` by `clock`.
    #[must_use]
    pub fn new(inner: S, config: BreakerConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            config,
            clock,
            random: RandomState::default(),
            window: Window::new(config.window),
            state: AtomicU64::new(CLOSED),
            relapses: AtomicU32::new(0),
            closed_at: AtomicU64::new(0),
            opened: AtomicU64::new(0),
        }
    }

    /// Whether it lets calls through now.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        match self.state.load(SeqCst) {
            CLOSED => BreakerState::Closed,
            until if until == PROBING || self.now() >= until => BreakerState::HalfOpen,
            until => BreakerState::Open(Timestamp::from_micros(until)),
        }
    }

    /// How often it has opened; that it stayed so after a probe is not counted.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened.load(Relaxed)
    }

    fn now(&self) -> u64 {
        self.clock.now().as_micros()
    }

    /// Lets a call through, or says that the store rests.
    fn admit(&self) -> Result<Call<'_, S>, StoreError> {
        let state = self.state.load(SeqCst);
        let probe = state != CLOSED;
        let mine = || self.state.compare_exchange(state, PROBING, SeqCst, SeqCst).is_ok();
        if probe && (state == PROBING || self.now() < state || !mine()) {
            return Err(StoreError::Resting);
        }
        Ok(Call { breaker: self, probe })
    }

    /// The store is left alone from now on. Only who has set the state to [`PROBING`] may say so.
    fn rest(&self, now: u64, again: bool) {
        let relapses = if again {
            self.relapses.fetch_add(1, Relaxed).saturating_add(1)
        } else {
            self.relapses.store(0, Relaxed);
            0
        };
        let until = now.saturating_add(self.cool_down(relapses, now));
        self.state.store(until.clamp(CLOSED + 1, PROBING - 1), SeqCst);
    }

    /// Between half and all of the doubled time.
    fn cool_down(&self, relapses: u32, now: u64) -> u64 {
        let micros = |span: Duration| Micros::from(span).get();
        let doubled = micros(self.config.cool_down).saturating_mul(1 << relapses.min(32));
        let most = doubled.min(micros(self.config.max_cool_down));
        most - self.random.hash_one((now, relapses)) % (most / 2 + 1)
    }

    fn record(&self, now: u64, well: bool) {
        self.window.record(now, !well);
        if !well
            && self.fails_too_often(now)
            && self.state.compare_exchange(CLOSED, PROBING, SeqCst, SeqCst).is_ok()
        {
            self.opened.fetch_add(1, Relaxed);
            // A store that one probe found well may break down again under all the calls.
            let recovery = Micros::from(self.config.max_cool_down).get();
            let closed_at = self.closed_at.load(Relaxed);
            self.rest(now, closed_at > 0 && now.saturating_sub(closed_at) < recovery);
        }
    }

    fn fails_too_often(&self, now: u64) -> bool {
        let (calls, failures) = self.window.sum(now);
        calls >= self.config.min_calls && failures * 100 >= calls * u64::from(self.config.failure_percent)
    }

    fn close(&self, now: u64) {
        self.window.clear();
        self.closed_at.store(now, Relaxed);
        self.state.store(CLOSED, SeqCst);
    }
}

/// Whether the answer speaks for the store or against it; `None` if it says nothing of it.
fn is_well(answer: &Result<(), StoreError>) -> Option<bool> {
    match answer {
        Ok(()) => Some(true),
        Err(StoreError::Contended { .. } | StoreError::Full { .. } | StoreError::TooLarge { .. }) => {
            Some(true)
        }
        Err(StoreError::Unavailable { .. } | StoreError::Timeout | StoreError::Throttled { .. }) => {
            Some(false)
        }
        Err(
            StoreError::Resting
            | StoreError::Misconfigured { .. }
            | StoreError::DuplicateKey { .. }
            | StoreError::Key(_)
            | StoreError::Step(_),
        ) => None,
    }
}

/// A call that was let through.
struct Call<'s, S: Store> {
    breaker: &'s Breaker<S>,
    probe: bool,
}

impl<S: Store> Call<'_, S> {
    fn answered(mut self, answer: Result<(), StoreError>) -> Result<(), StoreError> {
        if let Some(well) = is_well(&answer) {
            let (breaker, now) = (self.breaker, self.breaker.now());
            match (std::mem::take(&mut self.probe), well) {
                (true, true) => breaker.close(now),
                (true, false) => breaker.rest(now, true),
                (false, _) => breaker.record(now, well),
            }
        }
        answer
    }
}

impl<S: Store> Drop for Call<'_, S> {
    /// A probe that was given up, or that said nothing, has found out nothing: the next call is one.
    fn drop(&mut self) {
        if self.probe {
            self.breaker.state.store(self.breaker.now().clamp(CLOSED + 1, PROBING - 1), SeqCst);
        }
    }
}

impl<S: Store> Store for Breaker<S> {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        let call = match self.admit() {
            Ok(call) => call,
            Err(resting) => return Answer::Ready(Err(resting)),
        };
        match self.inner.apply(batch) {
            Answer::Ready(answer) => Answer::Ready(call.answered(answer)),
            Answer::Later(later) => Answer::Later(Box::pin(async { call.answered(later.await) })),
        }
    }

    pass_on!(self => self.inner);
}

impl<S: Store> fmt::Debug for Breaker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("inner", &self.inner)
            .field("config", &self.config)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
