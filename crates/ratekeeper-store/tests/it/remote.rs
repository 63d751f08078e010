//! A store that counts as remote, for what stands around such stores; and how its tests ask.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;
use ratekeeper_core::{Key, Limit, Micros, Op, Verdict};
use ratekeeper_store::testkit::{Faulty, Subject};
use ratekeeper_store::{
    Answer, Batch, Capabilities, Check, Clock, MemoryConfig, MemoryStore, Store, StoreError, StoreExt,
};

/// A store in memory that says it makes a trip. The first byte of a key is its lane.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    memory: MemoryStore,
    batches: Mutex<Vec<Vec<u64>>>,
}

impl Remote {
    pub(crate) fn faulty() -> Arc<Faulty<Self>> {
        Arc::new(Faulty::new(Self::default()))
    }

    pub(crate) fn on_clock(clock: Arc<dyn Clock>) -> Arc<Faulty<Self>> {
        let memory = MemoryStore::with_clock(MemoryConfig::default(), clock);
        Arc::new(Faulty::new(Self { memory, batches: Mutex::default() }))
    }

    /// The batches that it was asked: the first cost of every unit.
    pub(crate) fn batches(&self) -> Vec<Vec<u64>> {
        self.batches.lock().clone()
    }
}

impl Store for Remote {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        let costs =
            (0..batch.units().len()).map(|unit| batch.checks(unit).first().map_or(0, |first| first.cost));
        self.batches.lock().push(costs.collect());
        let broken = |checks: &[Check<'_>]| checks.iter().any(|check| check.key.bytes().ends_with(b"broken"));
        let panics = |checks: &[Check<'_>]| checks.iter().any(|check| check.key.bytes().ends_with(b"panic"));
        assert!(!batch.each_unit().any(|(_, checks)| panics(checks)), "a key that panics");
        let answer = self.memory.apply(&mut *batch).ready().unwrap();
        for (unit, checks) in batch.each_unit() {
            unit.error = broken(checks).then_some(StoreError::Timeout);
        }
        Answer::Ready(answer)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { name: "remote", trips: 1, ..self.memory.capabilities() }
    }

    fn lane(&self, key: Key<'_>) -> u64 {
        key.bytes().first().copied().map_or(0, u64::from)
    }
}

/// A thousand, and nothing comes back in the time of a test.
pub(crate) fn limit() -> Limit {
    Limit::fixed_window(1000, Micros::new(1 << 50)).unwrap()
}

pub(crate) async fn take(store: &impl Store, key: &str, cost: u64) -> Result<Verdict, StoreError> {
    store.take(Key::new(key.as_bytes()).unwrap(), &limit(), cost).await
}

/// What is left of [`limit`] under `key`.
pub(crate) fn left(store: &Faulty<Remote>, key: &str) -> u64 {
    let (limit, key) = (limit(), Key::new(key.as_bytes()).unwrap());
    let mut batch = Batch::new();
    batch.push(Op::Peek, [Check::new(key, &limit, 0)]);
    store.inner().memory.apply(&mut batch).ready().unwrap().unwrap();
    batch.checks(0)[0].verdict.unwrap().remaining
}

/// Polls once.
pub(crate) async fn poll_once<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// Polls once a future that has no answer yet.
pub(crate) async fn begin<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(poll_once(&mut future).await.is_pending(), "answered already");
    future
}

/// Lets other tasks of this thread go on until `done`.
pub(crate) async fn until(done: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it does not come about");
}

/// Examines a store in a runtime of tokio.
pub(crate) fn in_tokio(store: impl Store + 'static) -> Subject {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    Subject::new(store)
        .running(move |future| runtime.block_on(future))
        .with_threads(16)
        .with_effort(10)
}
