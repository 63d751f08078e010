//! What the suite examines: a store, and how to wait for it.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use ratekeeper_core::{Ask, Key, Limit, Timestamp, Verdict};

use crate::{Answer, Batch, BoxFuture, Capabilities, Check, Store, StoreError};

type Run = dyn Fn(BoxFuture<'_>) -> Result<(), StoreError> + Send + Sync;

/// A store under examination, what drives its futures, and how hard it is tried.
pub struct Subject {
    store: Arc<dyn Store>,
    run: Box<Run>,
    threads: usize,
    effort: usize,
    /// Part of every key, so that nobody else's are used.
    id: u64,
}

impl Subject {
    /// Examines `store`.
    #[must_use]
    pub fn new(store: impl Store + 'static) -> Self {
        Self {
            store: Arc::new(store),
            run: Box::new(|future| block_on(future)),
            threads: 64,
            effort: 100,
            id: RandomState::new().build_hasher().finish(),
        }
    }

    /// Drives the store's futures by `run`, from many threads at once: for a store on tokio a closure that owns a
    /// runtime and calls its `block_on`. Without it each is polled on the calling thread, which parks in between.
    #[must_use]
    pub fn running(
        mut self,
        run: impl Fn(BoxFuture<'_>) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        self.run = Box::new(run);
        self
    }

    /// How many threads the cases of contention start; 64 without this.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(2);
        self
    }

    /// How much of the usual effort, in percent, goes into random traces and contention.
    #[must_use]
    pub fn with_effort(mut self, percent: usize) -> Self {
        self.effort = percent;
        self
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What it promises.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    /// Applies a batch, and waits for the answer.
    ///
    /// # Errors
    /// The store's.
    pub fn apply(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        match self.store.apply(batch) {
            Answer::Ready(answer) => answer,
            Answer::Later(future) => self.drive(future),
        }
    }

    /// Waits for a future as for those of the store.
    pub(crate) fn drive(&self, future: BoxFuture<'_>) -> Result<(), StoreError> {
        (self.run)(future)
    }

    /// Asks one counter, at `now` or at the store's own time.
    ///
    /// # Errors
    /// The store's.
    ///
    /// # Panics
    /// If the store leaves no verdict.
    pub fn ask(
        &self,
        now: impl Into<Option<Timestamp>>,
        key: &[u8],
        limit: &Limit,
        ask: &Ask,
    ) -> Result<Verdict, StoreError> {
        let mut batch = Batch::new();
        batch.now = now.into();
        let mut check = Check::new(Key::new(key).expect("keys of the suite are short"), limit, ask.cost);
        check.token = ask.token;
        batch.push_by(ask.op, ask.holder, [check]);
        self.apply(&mut batch)?;
        let (unit, check) = (&batch.units()[0], &batch.checks(0)[0]);
        let verdict = check.verdict.expect("an applied check has a verdict");
        assert_eq!(unit.passes, verdict.allowed, "a unit of one check passes iff the check does");
        assert!(!check.degraded, "the store is full: examine one with room for some thousand keys");
        Ok(verdict)
    }

    /// A key of this subject's own.
    pub(crate) fn key(&self, label: &str) -> Vec<u8> {
        format!("{:016x}/{label}", self.id).into_bytes()
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// How often to do what is usually done `usually` times.
    pub(crate) fn times(&self, usually: usize) -> usize {
        (usually * self.effort / 100).max(1)
    }
}

impl<S: Store + 'static> From<S> for Subject {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("store", &self.store)
            .field("threads", &self.threads)
            .field("effort", &self.effort)
            .finish_non_exhaustive()
    }
}

/// Waits for a future on this thread, which parks in between: enough for futures that need no runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}
