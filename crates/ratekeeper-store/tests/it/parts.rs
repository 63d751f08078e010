//! A store whose keys lie apart: units over several parts are reserved, and given back on a refusal.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ratekeeper_core::{Key, Limit, Micros, Op, Timestamp};
use ratekeeper_store::testkit::block_on;
use ratekeeper_store::{
    Answer, Batch, BoxFuture, Capabilities, Check, MemoryStore, Parts, Store, StoreError, apply_in_parts,
};

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// Three stores in memory, chosen by the last byte of the key.
#[derive(Debug, Default)]
pub(crate) struct Apart {
    parts: [MemoryStore; 3],
    broken: [AtomicBool; 3],
    calls: AtomicU64,
}

impl Parts for Apart {
    fn part_of(&self, key: Key<'_>) -> u64 {
        key.bytes().last().map_or(0, |byte| u64::from(*byte) % 3)
    }

    fn apply_part<'a, 'b: 'a>(&'a self, part: u64, batch: &'a mut Batch<'b>) -> BoxFuture<'a> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let part = usize::try_from(part).unwrap();
        if self.broken[part].load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::Timeout) });
        }
        Box::pin(self.parts[part].apply(batch).wait())
    }
}

impl Store for Apart {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        Answer::Later(Box::pin(apply_in_parts(self, batch)))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { name: "apart", atomic_units: false, ..self.parts[0].capabilities() }
    }
}

mod conformance {
    ratekeeper_store::conformance!(super::Apart::default());
}

fn limit(count: u64) -> Limit {
    Limit::fixed_window(count, Micros::HOUR).unwrap()
}

fn check<'a>(key: &'static [u8], limit: &'a Limit, cost: u64) -> Check<'a> {
    Check::new(Key::new(key).unwrap(), limit, cost)
}

fn apply(store: &Apart, batch: &mut Batch<'_>) -> Result<(), StoreError> {
    store.calls.store(0, Ordering::SeqCst);
    batch.now = Some(NOW);
    block_on(store.apply(batch).wait())
}

fn left(store: &Apart, key: &'static [u8], limit: &Limit) -> u64 {
    let mut batch = Batch::new();
    batch.push(Op::Peek, [check(key, limit, 1)]);
    apply(store, &mut batch).unwrap();
    batch.checks(0)[0].verdict.unwrap().remaining
}

#[test]
fn every_part_is_asked_once_and_again_only_where_something_is_given_back() {
    let (store, limit, small) = (Apart::default(), limit(10), limit(1));
    for (passes, calls) in [(true, 3), (false, 5)] {
        let mut batch = Batch::new();
        let checks = [
            check(b"0", &limit, 2),
            check(b"1", &limit, 1),
            check(b"3", &limit, 1),
            check(b"2", &small, 1),
        ];
        batch.push(Op::Take, checks);
        apply(&store, &mut batch).unwrap();
        assert_eq!(batch.units()[0].passes, passes);
        assert_eq!(store.calls.load(Ordering::SeqCst), calls);
        let left: Vec<_> = batch.checks(0).iter().map(|check| check.verdict.unwrap().remaining).collect();
        assert_eq!(left, [8, 9, 9, 0], "after the decision, as if it had been one step");
    }
}

#[test]
fn a_part_that_fails_fails_the_units_that_asked_it() {
    let (store, limit) = (Apart::default(), limit(10));
    store.broken[1].store(true, Ordering::SeqCst);
    let mut batch = Batch::new();
    batch.push(Op::Take, [check(b"0", &limit, 1)]);
    batch.push(Op::Take, [check(b"0", &limit, 4), check(b"1", &limit, 1)]);
    batch.push(Op::Take, [check(b"1", &limit, 1)]);
    apply(&store, &mut batch).unwrap();
    let errors: Vec<_> = batch.units().iter().map(|unit| unit.error.is_some()).collect();
    assert_eq!(errors, [false, true, true]);
    assert!(batch.units()[0].passes);
    assert_eq!(left(&store, b"0", &limit), 9, "what the failed unit took is given back");
    let mut alone = Batch::new();
    alone.push(Op::Take, [check(b"0", &limit, 4), check(b"1", &limit, 1)]);
    assert_eq!(apply(&store, &mut alone), Err(StoreError::Timeout), "the only unit");
    assert_eq!(left(&store, b"0", &limit), 9);
}

#[test]
fn what_cannot_be_taken_back_waits_for_the_rest() {
    let (store, limit, once) = (Apart::default(), limit(10), limit(1));
    for charged in [true, false] {
        let mut batch = Batch::new();
        batch.push(Op::Take, [check(b"0", &once, 1), check(b"1", &limit, 4).with_op(Op::Charge)]);
        apply(&store, &mut batch).unwrap();
        assert_eq!(batch.units()[0].passes, charged);
        assert_eq!(batch.checks(0)[1].verdict.unwrap().remaining, 6);
        assert!(batch.checks(0)[1].verdict.unwrap().allowed);
    }
}

#[test]
fn what_could_not_be_done_after_all_is_not_paid_for() {
    let (store, limit, once) = (Apart::default(), limit(10), limit(1));
    let settle = || {
        let mut batch = Batch::new();
        batch.push(Op::Take, [check(b"0", &once, 1), check(b"1", &limit, 4).with_op(Op::Charge)]);
        apply(&store, &mut batch).map(|()| batch.units()[0].passes)
    };
    store.broken[1].store(true, Ordering::SeqCst);
    assert_eq!(settle(), Err(StoreError::Timeout));
    store.broken[1].store(false, Ordering::SeqCst);
    assert_eq!(settle(), Ok(true), "it can be done again");
    assert_eq!(settle(), Ok(false), "but once");
    assert_eq!(left(&store, b"1", &limit), 6);
}

#[test]
fn a_partial_take_gets_what_every_part_has() {
    let (store, limit, small) = (Apart::default(), limit(10), limit(3));
    let mut batch = Batch::new();
    batch.push(Op::TakeUpTo, [check(b"0", &limit, 8), check(b"1", &small, 8)]);
    apply(&store, &mut batch).unwrap();
    let granted: Vec<_> = batch.checks(0).iter().map(|check| check.verdict.unwrap().granted).collect();
    assert_eq!(granted, [3, 3]);
    assert_eq!((left(&store, b"0", &limit), left(&store, b"1", &small)), (7, 0));
}
