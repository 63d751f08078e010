//! Concurrent calls are put together: in order, whoever gives up, and whatever the store does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use ratekeeper_core::{Ask, Key, Op, StepError, Timestamp};
use ratekeeper_store::testkit::{Fault, Faulty, block_on};
use ratekeeper_store::{Batch, Check, Coalesce, CoalesceConfig, MemoryStore, Store, StoreError, StoreExt};

use crate::remote::{Remote, begin, in_tokio, left, limit, poll_once, take, until};
use crate::table::Later;

mod around_memory {
    use super::*;
    ratekeeper_store::conformance!(in_tokio(coalesce(MemoryStore::default())));
}

mod around_later {
    use super::*;
    ratekeeper_store::conformance!(in_tokio(coalesce(Later::default())));
}

type Coalesced = Coalesce<Arc<Faulty<Remote>>>;

/// No machine is too busy for it.
fn patient() -> CoalesceConfig {
    CoalesceConfig { patience: Duration::from_secs(3600), ..Default::default() }
}

fn coalesce<S: Store + 'static>(inner: S) -> Coalesce<S> {
    Coalesce::new(inner, patient())
}

/// A store whose first call is held.
fn held(config: CoalesceConfig) -> (Coalesced, Arc<Faulty<Remote>>) {
    let inner = Remote::faulty();
    inner.on_call(0, Fault::Hold);
    (Coalesce::new(Arc::clone(&inner), config), inner)
}

#[test]
fn an_idle_call_goes_as_it_is_and_needs_no_runtime() {
    let inner = Remote::faulty();
    let store = coalesce(Arc::clone(&inner));
    for call in 1..4 {
        assert_eq!(block_on(take(&store, "a", 1)).unwrap().remaining, 1000 - call);
        assert_eq!((inner.calls(), store.gathered()), (call, 0));
    }
}

#[test]
fn a_store_in_memory_still_answers_at_once() {
    let (store, limit) = (coalesce(MemoryStore::default()), limit());
    let mut batch = Batch::single(Key::new(b"a").unwrap(), &limit, &Ask::new(Op::Take, 1));
    assert_eq!(store.apply(&mut batch).ready(), Some(Ok(())));
}

#[tokio::test]
async fn what_is_asked_meanwhile_goes_together_and_in_order() {
    let (store, inner) = held(patient());
    let first = begin(take(&store, "a", 100)).await;
    let mut others = Vec::new();
    for cost in 1..=5 {
        others.push(begin(take(&store, "a", cost)).await);
    }
    assert_eq!((inner.calls(), store.waiting()), (1, 5));
    inner.release();
    assert_eq!(first.await.unwrap().remaining, 900);
    let mut expected = 900;
    for (cost, other) in (1..).zip(others) {
        expected -= cost;
        assert_eq!(other.await.unwrap().remaining, expected);
    }
    assert_eq!(inner.inner().batches(), [vec![100], vec![1, 2, 3, 4, 5]]);
    assert_eq!((store.gathered(), store.waiting()), (5, 0));
    // Nothing is in flight any more.
    take(&store, "a", 1).await.unwrap();
    assert_eq!(store.gathered(), 5);
}

#[tokio::test]
async fn calls_are_no_larger_than_they_may_be() {
    let (store, inner) = held(CoalesceConfig { max_units: 3, max_checks: 4, ..patient() });
    let first = begin(take(&store, "a", 10)).await;
    let limit = limit();
    let unit = |cost: u64, checks: usize| {
        let (store, limit) = (&store, &limit);
        async move {
            let keys: Vec<_> = (0..checks).map(|number| format!("a{number}")).collect();
            let checks = keys.iter().map(|key| Check::new(Key::new(key.as_bytes()).unwrap(), limit, cost));
            let mut batch = Batch::new();
            batch.push(Op::Take, checks);
            store.apply(&mut batch).wait().await?;
            Ok::<_, StoreError>(batch.checks(0).iter().all(|check| check.verdict.is_some()))
        }
    };
    let mut others = Vec::new();
    for (cost, checks) in (1..).zip([1, 1, 1, 1, 2, 2, 7, 1]) {
        others.push(begin(unit(cost, checks)).await);
    }
    inner.release();
    first.await.unwrap();
    for other in others {
        assert!(other.await.unwrap());
    }
    let batches = [vec![10], vec![1, 2, 3], vec![4, 5], vec![6], vec![7], vec![8]];
    assert_eq!(inner.inner().batches(), batches);
}

#[tokio::test]
async fn the_next_call_is_on_its_way_before_the_answers_to_the_last_are_heard() {
    let (store, inner) = held(CoalesceConfig { max_units: 1, ..patient() });
    inner.on_call(2, Fault::Hold);
    let first = begin(take(&store, "a", 1)).await;
    let (second, third) = (begin(take(&store, "a", 2)).await, begin(take(&store, "a", 3)).await);
    inner.release();
    first.await.unwrap();
    assert_eq!(second.await.unwrap().remaining, 997);
    assert_eq!(inner.calls(), 3);
    inner.release();
    assert_eq!(third.await.unwrap().remaining, 994);
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let config = CoalesceConfig { max_waiting_in_lane: 2, max_waiting: 3, ..patient() };
    let (store, inner) = held(config);
    inner.on_call(1, Fault::Hold);
    let firsts = [
        begin(take(&store, "a", 1)).await,
        begin(take(&store, "b", 1)).await,
    ];
    let mut waiting = vec![
        begin(take(&store, "a", 1)).await,
        begin(take(&store, "a", 1)).await,
    ];
    let refused = take(&store, "a", 1).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    waiting.push(begin(take(&store, "b", 1)).await);
    assert!(take(&store, "b", 1).await.is_err(), "3 in all lanes");
    inner.release();
    for answer in firsts.into_iter().chain(waiting) {
        answer.await.unwrap();
    }
    assert_eq!((left(&inner, "a"), left(&inner, "b"), store.waiting()), (997, 998, 0));
}

#[tokio::test]
async fn who_has_given_up_before_the_call_is_not_asked_for() {
    let (store, inner) = held(patient());
    let first = begin(take(&store, "a", 1)).await;
    let kept = [
        begin(take(&store, "a", 2)).await,
        begin(take(&store, "a", 4)).await,
    ];
    drop(begin(take(&store, "a", 3)).await);
    inner.release();
    first.await.unwrap();
    for answer in kept {
        answer.await.unwrap();
    }
    assert_eq!(inner.inner().batches(), [vec![1], vec![2, 4]]);
}

#[tokio::test]
async fn a_direct_caller_who_gives_up_lets_the_others_go() {
    let (store, inner) = held(patient());
    let first = begin(take(&store, "a", 1)).await;
    let other = begin(take(&store, "a", 2)).await;
    // Nobody but those who wait needs to be in a runtime.
    std::thread::scope(|scope| scope.spawn(move || drop(first)).join().unwrap());
    assert_eq!(other.await.unwrap().remaining, 998);
    assert_eq!(inner.inner().batches(), [[2]]);
    // Nor with nobody behind it.
    inner.on_call(inner.calls(), Fault::Hold);
    drop(begin(take(&store, "a", 1)).await);
    take(&store, "a", 1).await.unwrap();
    assert_eq!(store.gathered(), 1, "the last went by itself");
}

#[tokio::test]
async fn a_call_lives_as_long_as_one_of_its_callers() {
    let (store, inner) = held(patient());
    inner.on_call(1, Fault::Hold);
    inner.on_call(2, Fault::Silence);
    let first = begin(take(&store, "a", 1)).await;
    let (gone, stays) = (begin(take(&store, "a", 2)).await, begin(take(&store, "a", 4)).await);
    inner.release();
    first.await.unwrap();
    until(|| inner.held() == 1).await;
    drop(gone);
    let (next, last) = (begin(take(&store, "a", 8)).await, begin(take(&store, "a", 16)).await);
    inner.release();
    assert_eq!(stays.await.unwrap().remaining, 993, "the call of two went on for one");
    // Of the third call, which is never answered, nobody stays.
    until(|| inner.calls() == 3).await;
    drop((next, last));
    until(|| takes_at_once(&store)).await;
    assert_eq!(left(&inner, "a"), 992);
}

/// Whether a take goes by itself; it is taken then.
fn takes_at_once(store: &Coalesced) -> bool {
    let before = store.gathered();
    let mut future = Box::pin(take(store, "a", 1));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    future.as_mut().poll(&mut context).is_ready() && store.gathered() == before
}

#[tokio::test]
async fn a_panic_of_the_store_is_not_the_end_of_the_lane() {
    let inner = Remote::faulty();
    let store = Arc::new(coalesce(Arc::clone(&inner)));
    let asking = Arc::clone(&store);
    assert!(
        tokio::spawn(async move { take(&asking, "a panic", 1).await })
            .await
            .unwrap_err()
            .is_panic()
    );
    inner.on_call(inner.calls(), Fault::Hold);
    let first = begin(take(&*store, "a", 1)).await;
    let together = [
        begin(take(&*store, "a", 2)).await,
        begin(take(&*store, "a panic", 3)).await,
    ];
    inner.release();
    first.await.unwrap();
    for answer in together {
        let answer = answer.await;
        assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    }
    let gathered = store.gathered();
    assert_eq!(take(&*store, "a", 4).await.unwrap().remaining, 995);
    assert_eq!(store.gathered(), gathered, "nothing is in flight");
}

#[tokio::test]
async fn a_busy_lane_does_not_halt_another() {
    let (store, inner) = held(patient());
    let first = begin(take(&store, "a", 1)).await;
    let waiting = begin(take(&store, "a", 2)).await;
    assert_eq!(take(&store, "b", 1).await.unwrap().remaining, 999);
    inner.release();
    first.await.unwrap();
    waiting.await.unwrap();
}

#[tokio::test]
async fn errors_meet_those_whose_they_are() {
    let (store, inner) = held(patient());
    let (limit, key) = (limit(), Key::new(b"a").unwrap());
    let first = begin(take(&store, "a", 1)).await;
    let (right, broken) = (begin(take(&store, "a", 2)).await, begin(take(&store, "a broken", 3)).await);
    let mut twice = Batch::new();
    twice.push(Op::Take, [Check::new(key, &limit, 1), Check::new(key, &limit, 1)]);
    let mistake = store.apply(&mut twice).wait().await;
    assert!(matches!(mistake, Err(StoreError::DuplicateKey { .. })), "{mistake:?}");
    let foreign = Ask::new(Op::Refund, 1).with_token(ratekeeper_core::Token::Entry(1));
    let mistake = store.ask(key, &limit, &foreign).await;
    assert!(matches!(mistake, Err(StoreError::Step(StepError::ForeignToken { .. }))), "{mistake:?}");
    inner.release();
    first.await.unwrap();
    assert_eq!(right.await.unwrap().remaining, 997);
    assert_eq!(broken.await, Err(StoreError::Timeout));
    assert_eq!(take(&store, "a broken", 1).await, Err(StoreError::Timeout), "asked by itself");
    // One of the whole call meets all.
    let calls = inner.calls();
    inner.on_call(calls, Fault::Hold);
    inner.on_call(calls + 1, Fault::Fail(StoreError::Timeout));
    let first = begin(take(&store, "a", 1)).await;
    let both = [
        begin(take(&store, "a", 2)).await,
        begin(take(&store, "a", 3)).await,
    ];
    inner.release();
    first.await.unwrap();
    for answer in both {
        assert_eq!(answer.await, Err(StoreError::Timeout));
    }
}

#[tokio::test]
async fn what_cannot_be_put_together_does_not_wait() {
    let (store, inner) = held(patient());
    let (limit, key) = (limit(), Key::new(b"a").unwrap());
    let first = begin(take(&store, "a", 1)).await;
    let mut several = Batch::new();
    several.push(Op::Take, [Check::new(key, &limit, 2)]);
    several.push(Op::Take, [Check::new(key, &limit, 3)]);
    store.apply(&mut several).wait().await.unwrap();
    let mut injected = Batch::new().at(Timestamp::from_micros(1_900_000_000_000_000));
    injected.push(Op::Take, [Check::new(key, &limit, 4)]);
    store.apply(&mut injected).wait().await.unwrap();
    // A thread without a runtime cannot leave its unit to a task.
    std::thread::scope(|scope| {
        scope.spawn(|| block_on(take(&store, "a", 5)).unwrap()).join().unwrap();
    });
    inner.release();
    first.await.unwrap();
    assert_eq!(inner.inner().batches(), [vec![2, 3], vec![4], vec![5], vec![1]]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_not_waited_for() {
    let (store, inner) = held(CoalesceConfig::default());
    let mut stalled = begin(take(&store, "a", 1)).await;
    let waiting = begin(take(&store, "a", 2)).await;
    tokio::time::advance(Duration::from_millis(50)).await;
    let third = begin(take(&store, "a", 3)).await;
    assert_eq!(inner.calls(), 1, "not yet too long");
    tokio::time::advance(Duration::from_millis(1)).await;
    let calls = [waiting, third, begin(take(&store, "a", 4)).await];
    for answer in calls {
        answer.await.unwrap();
    }
    assert_eq!(inner.inner().batches(), [[2, 3, 4]]);
    // What comes back so late changes nothing for the call that is in flight then.
    inner.on_call(2, Fault::Hold);
    let held = begin(take(&store, "a", 5)).await;
    let other = begin(take(&store, "a", 6)).await;
    inner.release();
    assert!(poll_once(&mut stalled).await.is_ready());
    assert_eq!(store.waiting(), 1, "it waits for the call of the other");
    held.await.unwrap();
    other.await.unwrap();
}

#[test]
fn many_callers_get_exactly_what_there_is() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let inner = Arc::new(Faulty::new(Later::default()));
    let store = Arc::new(coalesce(Arc::clone(&inner)));
    let admitted = Arc::new(AtomicU64::new(0));
    runtime.block_on(async {
        let tasks: Vec<_> = (0..64_u64)
            .map(|number| {
                let (store, admitted) = (Arc::clone(&store), Arc::clone(&admitted));
                tokio::spawn(async move {
                    for round in 0..40 {
                        if (number + round) % 7 == 0 {
                            // What is given up is taken or not, and spoils nobody's answer.
                            let mut given_up = Box::pin(take(&*store, "other", 1));
                            let _ = poll_once(&mut given_up).await;
                        }
                        let verdict = take(&*store, "a", 1).await.unwrap();
                        admitted.fetch_add(verdict.granted, SeqCst);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(admitted.load(SeqCst), 1000, "of 2560 asked");
    assert!(store.gathered() > 0 && inner.calls() < 2560, "{} calls", inner.calls());
    assert_eq!(store.waiting(), 0);
}

/// Everybody waits in a runtime that is shut down: each next call is ended before it begins.
#[test]
fn a_runtime_that_is_shut_down_leaves_nothing_behind() {
    for max_units in [1, 128] {
        let (store, inner) = held(CoalesceConfig { max_units, ..patient() });
        let store = Arc::new(store);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            for _ in 0..4097 {
                let store = Arc::clone(&store);
                tokio::spawn(async move { take(&*store, "a", 1).await });
            }
            until(|| store.waiting() == 4096).await;
        });
        drop(runtime);
        assert_eq!((store.waiting(), inner.calls()), (0, 1));
        assert_eq!(block_on(take(&*store, "a", 1)).unwrap().remaining, 999, "nothing is in flight");
    }
}
