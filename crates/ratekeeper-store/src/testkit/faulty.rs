//! A store that fails when it is told to.

use std::collections::BTreeMap;
use std::future::{self, Future};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use ratekeeper_core::Key;

use crate::store::pass_on;
use crate::{Answer, Batch, Store, StoreError};

/// What befalls a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and nothing has been written.
    Fail(StoreError),
    /// It is applied, and then fails: the answer was lost on its way back.
    FailAfter(StoreError),
    /// It is never answered, and nothing is written.
    Silence,
    /// It is applied, and never answered.
    SilenceAfter,
    /// It is applied and answered once [`Faulty::release`] has been called.
    Hold,
    /// It is applied, and answered once [`Faulty::release`] has been called.
    HoldAfter,
}

/// A store around a store that fails, stays silent or holds answers back, in the calls one chooses: for the tests of
/// whatever must go on when a store does not.
///
/// ```
/// use ratekeeper_core::{Key, Limit, Micros};
/// use ratekeeper_store::testkit::{Fault, Faulty, block_on};
/// use ratekeeper_store::{MemoryStore, StoreError, StoreExt};
/// let (limit, key) = (Limit::token_bucket(10, Micros::SECOND)?, Key::new(b"alice")?);
/// let store = Faulty::new(MemoryStore::default());
/// store.on_call(1, Fault::FailAfter(StoreError::Timeout));
/// assert_eq!(block_on(store.take(key, &limit, 1))?.remaining, 9);
/// assert_eq!(block_on(store.take(key, &limit, 1)), Err(StoreError::Timeout));
/// assert_eq!(block_on(store.take(key, &limit, 1))?.remaining, 7);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    calls: AtomicU64,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    /// By the number of the call.
    once: BTreeMap<u64, Fault>,
    /// For every other call.
    always: Option<Fault>,
    /// How often held calls were released: each lets all go that were held before.
    released: u64,
    /// Held calls by number.
    waiting: BTreeMap<u64, Waker>,
}

/// Waits for the next release.
struct Held<'s> {
    plan: &'s Mutex<Plan>,
    number: u64,
    before: u64,
}

impl Future for Held<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut plan = self.plan.lock();
        if plan.released > self.before {
            return Poll::Ready(());
        }
        plan.waiting.insert(self.number, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.plan.lock().waiting.remove(&self.number);
    }
}

impl<S: Store> Faulty<S> {
    /// A store that works, until it is told otherwise.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self { inner, calls: AtomicU64::new(0), plan: Mutex::default() }
    }

    /// The store inside.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// How many calls there have been.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(SeqCst)
    }

    /// `fault` befalls the call with this number, the first being 0.
    pub fn on_call(&self, number: u64, fault: Fault) {
        self.plan.lock().once.insert(number, fault);
    }

    /// `fault` befalls every call from now on, until [`heal`](Self::heal).
    pub fn break_down(&self, fault: Fault) {
        self.plan.lock().always = Some(fault);
    }

    /// Calls work again. What is held stays so until [`release`](Self::release); what is silent is silent for ever.
    pub fn heal(&self) {
        let mut plan = self.plan.lock();
        plan.once.clear();
        plan.always = None;
    }

    /// Lets every call go on that is held.
    pub fn release(&self) {
        let waiting = {
            let mut plan = self.plan.lock();
            plan.released += 1;
            std::mem::take(&mut plan.waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }

    /// How many calls are held at this moment: polled, and not yet released.
    #[must_use]
    pub fn held(&self) -> usize {
        self.plan.lock().waiting.len()
    }

    /// The number of this call, and what befalls it.
    fn next_call(&self) -> (u64, Option<Fault>) {
        let mut plan = self.plan.lock();
        let number = self.calls.fetch_add(1, SeqCst);
        (number, plan.once.remove(&number).or_else(|| plan.always.clone()))
    }

    fn wait_for_release(&self, number: u64) -> Held<'_> {
        let before = self.plan.lock().released;
        Held { plan: &self.plan, number, before }
    }
}

impl<S: Store> Store for Faulty<S> {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        let (number, Some(fault)) = self.next_call() else {
            return self.inner.apply(batch);
        };
        match fault {
            Fault::Fail(error) => Answer::Ready(Err(error)),
            Fault::Silence => Answer::Later(Box::pin(future::pending())),
            Fault::FailAfter(error) => match self.inner.apply(batch) {
                Answer::Ready(answer) => Answer::Ready(answer.and(Err(error))),
                Answer::Later(later) => Answer::Later(Box::pin(async move { later.await.and(Err(error)) })),
            },
            Fault::SilenceAfter => match self.inner.apply(batch) {
                Answer::Ready(_) => Answer::Later(Box::pin(future::pending())),
                Answer::Later(later) => Answer::Later(Box::pin(async move {
                    let _ = later.await;
                    future::pending().await
                })),
            },
            Fault::HoldAfter => {
                let held = self.wait_for_release(number);
                Answer::Later(Box::pin(async move {
                    let answer = self.inner.apply(batch).wait().await;
                    held.await;
                    answer
                }))
            }
            Fault::Hold => {
                let held = self.wait_for_release(number);
                Answer::Later(Box::pin(async move {
                    held.await;
                    self.inner.apply(batch).wait().await
                }))
            }
        }
    }

    pass_on!(self => self.inner);
}
