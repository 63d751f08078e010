//! The store that fails when it is told to.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ratekeeper_core::{Key, Limit, Micros, Op, Timestamp};
use ratekeeper_store::testkit::{Fault, Faulty, block_on, run};
use ratekeeper_store::{Answer, Batch, Check, MemoryStore, Store, StoreError};

use crate::table::Later;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn limit() -> Limit {
    Limit::token_bucket(10, Micros::HOUR).unwrap()
}

fn batch(limit: &Limit) -> Batch<'_> {
    let mut batch = Batch::new().at(NOW);
    batch.push(Op::Take, [Check::new(Key::new(b"alice").unwrap(), limit, 1)]);
    batch
}

fn take(store: &dyn Store) -> Result<u64, StoreError> {
    let limit = limit();
    let mut batch = batch(&limit);
    block_on(store.apply(&mut batch).wait())?;
    Ok(batch.checks(0)[0].verdict.unwrap().remaining)
}

fn each_store() -> [Faulty<Arc<dyn Store>>; 2] {
    let (ready, later): (Arc<dyn Store>, Arc<dyn Store>) =
        (Arc::new(MemoryStore::default()), Arc::new(Later::default()));
    [Faulty::new(ready), Faulty::new(later)]
}

#[test]
fn the_chosen_call_fails_before_or_after_it_is_applied() {
    for store in each_store() {
        store.on_call(1, Fault::Fail(StoreError::Timeout));
        store.on_call(2, Fault::FailAfter(StoreError::Timeout));
        let answers: Vec<_> = (0..4).map(|_| take(&store)).collect();
        assert_eq!(answers, [Ok(9), Err(StoreError::Timeout), Err(StoreError::Timeout), Ok(7)]);
        assert_eq!(store.calls(), 4);
    }
}

#[test]
fn a_broken_store_is_broken_until_it_is_healed() {
    for store in each_store() {
        store.break_down(Fault::Fail(StoreError::Unavailable { reason: "gone".to_owned() }));
        assert!((0..3).all(|_| take(&store).is_err()));
        store.heal();
        assert_eq!(take(&store), Ok(9));
    }
}

#[test]
fn silence_is_for_ever() {
    for store in each_store() {
        for (call, fault) in [(0, Fault::Silence), (1, Fault::SilenceAfter)] {
            store.on_call(call, fault);
            let limit = limit();
            let mut batch = batch(&limit);
            let Answer::Later(mut future) = store.apply(&mut batch) else {
                panic!("answered")
            };
            for _ in 0..100 {
                let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(poll.is_pending());
            }
        }
        assert_eq!(take(&store), Ok(8), "the second was applied");
    }
}

#[test]
fn what_is_held_goes_on_when_it_is_released() {
    for store in each_store() {
        store.on_call(0, Fault::Hold);
        std::thread::scope(|scope| {
            let held = scope.spawn(|| take(&store));
            while store.held() == 0 {
                std::thread::yield_now();
            }
            assert_eq!(take(&store), Ok(9), "others go on");
            store.release();
            assert_eq!(held.join().unwrap(), Ok(8));
        });
        // What has been given up is not waited for.
        store.on_call(2, Fault::Hold);
        let limit = limit();
        let mut batch = batch(&limit);
        let Answer::Later(mut future) = store.apply(&mut batch) else {
            panic!("answered")
        };
        assert_eq!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
        drop(future);
        store.release();
        assert_eq!(take(&store), Ok(7));
    }
}

#[test]
fn a_store_without_faults_is_as_good_as_the_one_inside() {
    let subject = ratekeeper_store::testkit::Subject::new(Faulty::new(MemoryStore::default()));
    run(subject.with_threads(4).with_effort(5));
}
