//! One limit over many keys, in this process.

use std::sync::Arc;

use ratekeeper_core::{Key, KeyError, Limit, Op, Verdict};
use ratekeeper_store::{Clock, MemoryConfig, MemoryStats, MemoryStore, StoreError};

/// Why a [`Limiter`] could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The key is too long.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store could not decide; never a denial.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
}

impl Limiter {
    /// A limiter on the system's clock, for up to a million keys.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self { limit, store: MemoryStore::default() }
    }

    /// A limiter within other bounds and on another clock.
    #[must_use]
    pub fn with(limit: Limit, config: MemoryConfig, clock: Arc<dyn Clock>) -> Self {
        Self { limit, store: MemoryStore::with_clock(config, clock) }
    }

    /// Takes one unit for `key`.
    ///
    /// # Errors
    /// If the key is longer than 250 bytes, or a log outgrows the store's memory.
    #[inline]
    pub fn check(&self, key: impl AsRef<[u8]>) -> Result<Verdict, CheckError> {
        self.ask(Op::Take, key.as_ref(), 1)
    }

    /// Takes `cost` units for `key`, or none.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    #[inline]
    pub fn check_n(&self, key: impl AsRef<[u8]>, cost: u64) -> Result<Verdict, CheckError> {
        self.ask(Op::Take, key.as_ref(), cost)
    }

    /// What `check_n` would answer; takes nothing.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn peek(&self, key: impl AsRef<[u8]>, cost: u64) -> Result<Verdict, CheckError> {
        self.ask(Op::Peek, key.as_ref(), cost)
    }

    /// Forgets `key`.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn reset(&self, key: impl AsRef<[u8]>) -> Result<Verdict, CheckError> {
        self.ask(Op::Reset, key.as_ref(), 0)
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

    #[inline]
    fn ask(&self, op: Op, key: &[u8], cost: u64) -> Result<Verdict, CheckError> {
        Ok(self.store.ask(op, Key::new(key)?, &self.limit, cost)?)
    }
}
