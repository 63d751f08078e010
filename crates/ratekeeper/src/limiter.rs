//! One limit over many keys, in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ratekeeper_core::{Algorithm, Ask, Holder, Key, Limit, Op, Token, Verdict};
use ratekeeper_store::{Batch, Check, Clock, MemoryConfig, MemoryStats, MemoryStore, Store, StoreError};

/// The shortest way to limit something in this process: one [`Limit`], any number of keys, in memory.
///
/// ```
/// use ratekeeper::{Limit, Limiter, Micros};
/// let limiter = Limiter::new(Limit::token_bucket(2, Micros::SECOND)?);
/// assert!(limiter.check("alice")?.allowed);
/// assert!(limiter.check("alice")?.allowed);
/// let refused = limiter.check("alice")?;
/// assert!(!refused.allowed);
/// println!("retry in {}", refused.retry_after.unwrap());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Limiter {
    limit: Limit,
    store: MemoryStore,
    /// Whether the limit holds requests, each of which needs a holder of its own.
    holds: bool,
    holders: AtomicU64,
}

impl Limiter {
    /// A limiter on the system's clock, for up to a million keys.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self::over(limit, MemoryStore::default())
    }

    /// A limiter within other bounds and on another clock.
    #[must_use]
    pub fn with(limit: Limit, config: MemoryConfig, clock: Arc<dyn Clock>) -> Self {
        Self::over(limit, MemoryStore::with_clock(config, clock))
    }

    fn over(limit: Limit, store: MemoryStore) -> Self {
        let holds = limit.algorithm() == Algorithm::Concurrency;
        Self { limit, store, holds, holders: AtomicU64::new(0) }
    }

    /// Takes one unit for `key`. From a concurrency limit it takes a slot until the ttl ends; use
    /// [`acquire`](Self::acquire) to give it back before.
    ///
    /// # Errors
    /// If the key is longer than 250 bytes, or a log outgrows the store's memory.
    #[inline]
    pub fn check(&self, key: impl AsRef<[u8]>) -> Result<Verdict, StoreError> {
        self.take(key.as_ref(), 1)
    }

    /// Takes `cost` units for `key`, or none.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    #[inline]
    pub fn check_n(&self, key: impl AsRef<[u8]>, cost: u64) -> Result<Verdict, StoreError> {
        self.take(key.as_ref(), cost)
    }

    /// Takes one unit for `key`, and gives a slot of a concurrency limit back when the permit is dropped.
    ///
    /// ```
    /// use ratekeeper::{Limit, Limiter, Micros};
    /// let limiter = Limiter::new(Limit::concurrency(1, Micros::MINUTE)?);
    /// let permit = limiter.acquire("alice")?.expect("the first one gets the slot");
    /// assert!(limiter.acquire("alice")?.is_err());
    /// drop(permit);
    /// assert!(limiter.acquire("alice")?.is_ok());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`check`](Self::check). The inner result is the refusal.
    pub fn acquire<K: AsRef<[u8]>>(&self, key: K) -> Result<Result<Permit<'_, K>, Verdict>, StoreError> {
        let mut batch = Batch::single(Key::new(key.as_ref())?, &self.limit, &self.question(1));
        self.apply(&mut batch)?;
        let taken = &batch.checks(0)[0];
        let (verdict, shared) = (taken.verdict.ok_or_else(StoreError::no_verdict)?, taken.degraded);
        drop(batch);
        Ok(match verdict.token {
            Some(token) if verdict.allowed => Ok(Permit { limiter: self, key, token, verdict, shared }),
            _ => Err(verdict),
        })
    }

    /// What `check_n` would answer; takes nothing.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn peek(&self, key: impl AsRef<[u8]>, cost: u64) -> Result<Verdict, StoreError> {
        self.ask(key.as_ref(), &Ask::new(Op::Peek, cost).by(NOBODY))
    }

    /// Forgets `key`.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn reset(&self, key: impl AsRef<[u8]>) -> Result<Verdict, StoreError> {
        self.ask(key.as_ref(), &Ask::new(Op::Reset, 0))
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// How many keys it holds, and what it has had to do to stay within its bounds.
    #[must_use]
    pub fn stats(&self) -> MemoryStats {
        self.store.stats()
    }

    // Inlined, so that each operation becomes code of its own without a question about the others.
    #[inline(always)]
    fn take(&self, key: &[u8], cost: u64) -> Result<Verdict, StoreError> {
        self.ask(key, &self.question(cost))
    }

    #[inline(always)]
    fn question(&self, cost: u64) -> Ask {
        let ask = Ask::new(Op::Take, cost);
        if !self.holds {
            return ask;
        }
        ask.by(Holder::new(self.holders.fetch_add(1, Ordering::Relaxed).into()))
    }

    fn apply(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        self.store.apply(batch).ready().unwrap_or(Ok(()))
    }

    #[inline(always)]
    fn ask(&self, key: &[u8], ask: &Ask) -> Result<Verdict, StoreError> {
        self.store.ask_now(Key::new(key)?, &self.limit, ask)
    }
}

/// A holder that no request ever has.
const NOBODY: Holder = Holder::new(u128::MAX);

/// What [`Limiter::acquire`] took; dropping it gives a slot of a concurrency limit back.
#[derive(Debug)]
#[must_use = "dropping a permit gives back what it holds"]
pub struct Permit<'l, K: AsRef<[u8]>> {
    limiter: &'l Limiter,
    key: K,
    token: Token,
    verdict: Verdict,
    /// Whether a full store counts the key together with others: then that is where it is given back.
    shared: bool,
}

impl<K: AsRef<[u8]>> Permit<'_, K> {
    /// The verdict it was granted with.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

impl<K: AsRef<[u8]>> Drop for Permit<'_, K> {
    fn drop(&mut self) {
        // Other limits give back by time alone: a bucket that fills up as soon as a request is done limits nothing.
        let Ok(key) = Key::new(self.key.as_ref()) else {
            return;
        };
        if self.limiter.holds {
            let mut check = Check::new(key, &self.limiter.limit, self.verdict.granted).with_token(self.token);
            check.degraded = self.shared;
            let mut batch = Batch::new();
            batch.push(Op::Refund, [check]);
            // What cannot be given back expires by itself.
            let _ = self.limiter.apply(&mut batch);
        }
    }
}
