//! A store that fails is left alone, and found again when it is back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ratekeeper_core::{Ask, Key, Limit, Micros, Op, StepError, Timestamp, Token};
use ratekeeper_store::testkit::{Fault, Faulty, block_on};
use ratekeeper_store::{
    Answer, Batch, Breaker, BreakerConfig, BreakerState, Check, Clock, ManualClock, MemoryStore, Store,
    StoreError, StoreExt, SystemClock,
};

use crate::remote::{Remote, begin, in_tokio, limit, take};
use crate::table::Later;

mod around_memory {
    use super::*;
    ratekeeper_store::conformance!(in_tokio(breaker(MemoryStore::default())));
}

mod around_later {
    use super::*;
    ratekeeper_store::conformance!(in_tokio(breaker(Later::default())));
}

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn breaker<S: Store>(inner: S) -> Breaker<S> {
    Breaker::new(inner, BreakerConfig::default(), Arc::new(SystemClock::new()))
}

/// A breaker with its clock, and the store inside.
struct Watched {
    store: Breaker<Arc<Faulty<Remote>>>,
    inner: Arc<Faulty<Remote>>,
    clock: Arc<ManualClock>,
}

impl Watched {
    fn new() -> Self {
        let (inner, clock) = (Remote::faulty(), Arc::new(ManualClock::new(START)));
        let store = Breaker::new(Arc::clone(&inner), BreakerConfig::default(), clock.clone());
        Self { store, inner, clock }
    }

    fn take(&self) -> Result<u64, StoreError> {
        block_on(take(&self.store, "a", 1)).map(|verdict| verdict.remaining)
    }

    fn fail(&self, error: StoreError) {
        self.inner.on_call(self.inner.calls(), Fault::Fail(error));
        let _ = self.take();
    }

    fn fail_times(&self, times: usize) {
        (0..times).for_each(|_| self.fail(StoreError::Timeout));
    }

    /// One that has just opened.
    fn open() -> Self {
        let watched = Self::new();
        watched.fail_times(20);
        watched
    }

    /// How long it rests from now on.
    fn rests(&self) -> Option<Micros> {
        match self.store.state() {
            BreakerState::Open(until) => Some(until.since(self.clock.now())),
            _ => None,
        }
    }

    /// Waits until it may be probed.
    fn wait(&self) {
        self.clock.advance(self.rests().unwrap());
        assert_eq!(self.store.state(), BreakerState::HalfOpen);
    }
}

#[test]
fn a_store_in_memory_still_answers_at_once() {
    let (store, limit) = (breaker(MemoryStore::default()), limit());
    let mut batch = Batch::single(Key::new(b"a").unwrap(), &limit, &Ask::new(Op::Take, 1));
    assert_eq!(store.apply(&mut batch).ready(), Some(Ok(())));
}

#[test]
fn it_opens_when_half_of_enough_calls_fail() {
    let watched = Watched::new();
    watched.fail_times(19);
    assert_eq!(watched.store.state(), BreakerState::Closed, "too few");
    watched.fail_times(1);
    let calls = watched.inner.calls();
    assert!((0..5).all(|_| watched.take() == Err(StoreError::Resting)));
    assert_eq!((watched.inner.calls(), watched.store.opened()), (calls, 1), "the store is left alone");
    // A little less than half is not enough.
    let watched = Watched::new();
    for _ in 0..100 {
        watched.take().unwrap();
        watched.take().unwrap();
        watched.fail(StoreError::Unavailable { reason: String::new() });
    }
    assert_eq!(watched.store.state(), BreakerState::Closed);
    // Once half of the last hundreds have failed it is.
    watched.fail_times(100);
    assert!(watched.rests().is_some());
}

#[test]
fn what_is_long_past_does_not_count() {
    let watched = Watched::new();
    for _ in 0..100 {
        watched.fail_times(1);
        watched.clock.advance(Micros::new(100_000));
    }
    assert_eq!(watched.store.state(), BreakerState::Closed, "never more than ten in a second");
    (0..1000).for_each(|_| {
        watched.take().unwrap();
    });
    watched.clock.advance(Micros::SECOND);
    watched.fail_times(20);
    assert!(watched.rests().is_some(), "a thousand good ones were long ago");
}

#[test]
fn denials_mistakes_and_single_counters_are_no_failures() {
    let watched = Watched::new();
    let (key, limit) = (Key::new(b"denied").unwrap(), Limit::fixed_window(1, Micros::DAY).unwrap());
    for _ in 0..100 {
        block_on(watched.store.take(key, &limit, 1)).unwrap();
        let foreign = Ask::new(Op::Refund, 1).with_token(Token::Entry(1));
        let mistake = block_on(watched.store.ask(key, &limit, &foreign));
        assert!(matches!(mistake, Err(StoreError::Step(StepError::ForeignToken { .. }))));
        watched.fail(StoreError::Contended { tries: 5 });
        watched.fail(StoreError::Full { bytes: 2, max_bytes: 1 });
        watched.fail(StoreError::Misconfigured { reason: String::new() });
    }
    assert_eq!(watched.store.state(), BreakerState::Closed);
}

#[test]
fn an_answered_probe_closes_it() {
    let watched = Watched::open();
    watched.clock.advance(Micros::new(watched.rests().unwrap().get() - 1));
    assert_eq!(watched.take(), Err(StoreError::Resting));
    watched.clock.advance(Micros::new(1));
    assert_eq!(watched.store.state(), BreakerState::HalfOpen);
    assert_eq!(watched.take(), Ok(999));
    assert_eq!(watched.store.state(), BreakerState::Closed);
    // What was before is forgotten.
    watched.fail_times(19);
    assert_eq!(watched.store.state(), BreakerState::Closed);
}

#[tokio::test]
async fn there_is_one_probe_at_a_time() {
    let watched = Watched::open();
    watched.wait();
    let calls = watched.inner.calls();
    watched.inner.on_call(calls, Fault::Hold);
    let probe = begin(take(&watched.store, "a", 1)).await;
    for _ in 0..3 {
        assert_eq!(take(&watched.store, "a", 1).await, Err(StoreError::Resting));
    }
    assert_eq!(watched.inner.calls(), calls + 1);
    watched.inner.release();
    probe.await.unwrap();
    assert_eq!(watched.store.state(), BreakerState::Closed);
}

#[tokio::test]
async fn a_probe_given_up_leaves_the_next_call_to_be_one() {
    let watched = Watched::open();
    watched.wait();
    for polled in [true, false] {
        watched.inner.on_call(watched.inner.calls(), Fault::Silence);
        if polled {
            drop(begin(take(&watched.store, "a", 1)).await);
        } else {
            let limit = limit();
            let mut batch = Batch::new();
            batch.push(Op::Take, [Check::new(Key::new(b"a").unwrap(), &limit, 1)]);
            assert!(matches!(watched.store.apply(&mut batch), Answer::Later(_)), "dropped as it is");
        }
        assert_eq!(watched.store.state(), BreakerState::HalfOpen);
    }
    // Nor does one that says nothing of the store.
    watched.inner.on_call(watched.inner.calls(), Fault::Fail(StoreError::Resting));
    assert_eq!(take(&watched.store, "a", 1).await, Err(StoreError::Resting));
    assert_eq!(take(&watched.store, "a", 1).await.unwrap().remaining, 999);
}

#[test]
fn it_rests_twice_as_long_each_time_up_to_a_bound_and_at_random() {
    let mut firsts = BTreeSet::new();
    for _ in 0..20 {
        let watched = Watched::open();
        let mut most = Micros::from(BreakerConfig::default().cool_down).get();
        firsts.insert(watched.rests().unwrap());
        for _ in 0..10 {
            let rests = watched.rests().unwrap().get();
            assert!((most / 2..=most).contains(&rests), "{rests} us of {most}");
            watched.wait();
            watched.fail_times(1);
            most = (2 * most).min(5_000_000);
        }
        assert_eq!(watched.store.opened(), 1, "it was open all the time");
    }
    assert!(firsts.len() > 15, "{} of 20 differ", firsts.len());
}

#[test]
fn a_relapse_rests_longer_than_a_new_failure() {
    let watched = Watched::open();
    for _ in 0..5 {
        watched.wait();
        watched.take().unwrap();
        watched.fail_times(20);
    }
    assert!(watched.rests().unwrap() >= Micros::new(2_500_000), "the sixth time");
    watched.wait();
    watched.take().unwrap();
    watched.clock.advance(Micros::from(Duration::from_secs(5)));
    watched.fail_times(20);
    assert!(watched.rests().unwrap() <= Micros::new(200_000), "it was well for long");
    assert_eq!(watched.store.opened(), 7);
}
