//! A bound on how long a store may take to answer.

use std::time::Duration;

use ratekeeper_core::Key;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::store::pass_on;
use crate::{Answer, Batch, Store, StoreError};

/// A store around a store that answers within a budget, or else [`StoreError::Timeout`]: the call is given up then, and
/// may or may not have been written.
///
/// The budget begins when the answer is first awaited. What answers at once is passed on, and costs nothing. Must be
/// awaited in a tokio runtime with its timers on; outside of a runtime there is nothing to wake by, and no deadline.
///
/// ```
/// use std::time::Duration;
/// use ratekeeper_core::{Key, Limit, Micros};
/// use ratekeeper_store::testkit::{Fault, Faulty};
/// use ratekeeper_store::{Deadline, MemoryStore, StoreError, StoreExt};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let silent = Faulty::new(MemoryStore::default());
/// silent.break_down(Fault::Silence);
/// let store = Deadline::new(silent, Duration::from_millis(20));
/// let limit = Limit::token_bucket(10, Micros::SECOND)?;
/// assert_eq!(store.take(Key::new(b"alice")?, &limit, 1).await, Err(StoreError::Timeout));
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Deadline<S> {
    inner: S,
    budget: Duration,
}

impl<S: Store> Deadline<S> {
    /// Gives every call of `inner` this long.
    #[must_use]
    pub fn new(inner: S, budget: Duration) -> Self {
        Self { inner, budget }
    }
}

impl<S: Store> Store for Deadline<S> {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        match self.inner.apply(batch) {
            Answer::Later(later) => Answer::Later(Box::pin(async {
                if Handle::try_current().is_err() {
                    return later.await;
                }
                timeout(self.budget, later).await.unwrap_or(Err(StoreError::Timeout))
            })),
            ready @ Answer::Ready(_) => ready,
        }
    }

    pass_on!(self => self.inner);
}
