//! All wrappers together.

use std::sync::Arc;
use std::time::Duration;

use ratekeeper_core::{Ask, Key, Limit, Micros, Op, Timestamp};
use ratekeeper_store::testkit::Fault;
use ratekeeper_store::{
    Batch, BreakerState, ManualClock, MemoryStore, Store, StoreError, StoreExt, Wrapped, Wrappers,
};

use crate::remote::{Remote, begin, in_tokio, limit, take, until};
use crate::table::Later;

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// With a deadline that no machine is too busy for.
fn wrap(store: impl Store + 'static) -> Wrapped {
    Wrappers { deadline: Some(Duration::from_secs(60)), ..Wrappers::default() }.wrap(Arc::new(store))
}

mod around_memory {
    use super::*;
    ratekeeper_store::conformance!(in_tokio(wrap(MemoryStore::default())));
}

mod around_later {
    use super::*;
    ratekeeper_store::conformance!(in_tokio(wrap(Later::default())));
}

#[test]
fn a_store_in_memory_still_answers_at_once_and_is_seen() {
    let (store, limit) = (wrap(MemoryStore::default()), limit());
    let mut batch = Batch::single(Key::new(b"a").unwrap(), &limit, &Ask::new(Op::Take, 1));
    assert_eq!(store.apply(&mut batch).ready(), Some(Ok(())));
    assert_eq!(store.memory().unwrap().stats().keys, 1);
    assert_eq!(store.capabilities(), MemoryStore::default().capabilities());
}

#[tokio::test(start_paused = true)]
async fn what_they_have_seen_is_told() {
    let (inner, clock) = (Remote::faulty(), Arc::new(ManualClock::new(START)));
    let store = Wrappers::default().wrap_on(inner.clone(), clock.clone());
    inner.on_call(0, Fault::Hold);
    let first = begin(take(&store, "a", 1)).await;
    let second = begin(take(&store, "a", 1)).await;
    assert_eq!(store.stats().waiting, 1);
    inner.release();
    first.await.unwrap();
    second.await.unwrap();
    let once = Limit::fixed_window(1, Micros::DAY).unwrap();
    for _ in 0..3 {
        store.take(Key::new(b"once").unwrap(), &once, 1).await.unwrap();
    }
    let stats = store.stats();
    assert_eq!((stats.calls, stats.coalesced, stats.waiting, stats.denied_from_cache), (5, 1, 0, 1));
    assert_eq!(
        (stats.errors, stats.breaker, stats.breaker_opened),
        ([0; 11], Some(BreakerState::Closed), 0)
    );
    // A server that falls silent costs everybody a deadline, until it rests.
    inner.break_down(Fault::Silence);
    for _ in 0..60 {
        let _ = take(&store, "a", 1).await;
    }
    let stats = store.stats();
    let of = |kind: &StoreError| stats.errors[kind.kind()];
    assert!(matches!(stats.breaker, Some(BreakerState::Open(_))), "{stats:?}");
    // Four had gone well: the twentieth that it saw opened it.
    assert_eq!((of(&StoreError::Timeout), of(&StoreError::Resting)), (16, 44));
    // It is found when it is back.
    inner.heal();
    clock.advance(Micros::SECOND);
    assert_eq!(store.stats().breaker, Some(BreakerState::HalfOpen));
    take(&store, "a", 1).await.unwrap();
    assert_eq!(store.stats().breaker, Some(BreakerState::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_leaves_nothing_behind() {
    let inner = Remote::faulty();
    let store = Arc::new(Wrappers { breaker: None, ..Wrappers::default() }.wrap(inner.clone()));
    inner.break_down(Fault::Silence);
    for _ in 0..20 {
        let calls: Vec<_> = (0..50)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { take(&*store, "a", 1).await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), Err(StoreError::Timeout));
        }
    }
    inner.heal();
    until(|| store.stats().waiting == 0).await;
    assert_eq!(take(&*store, "a", 1).await.unwrap().remaining, 999);
}

#[test]
fn what_is_left_out_is_not_there() {
    let none = Wrappers { deadline: None, breaker: None, coalesce: None, deny_cache: false };
    let store = none.wrap(Arc::new(MemoryStore::default()));
    assert_eq!(store.stats().breaker, None);
    assert!(format!("{store:?}").starts_with("Wrapped(MemoryStore"), "{store:?}");
    let all = format!("{:?}", Wrappers::default().wrap(Arc::new(MemoryStore::default())));
    let order =
        ["DenyCache", "Breaker", "Deadline", "Coalesce", "MemoryStore"].map(|name| all.find(name).unwrap());
    assert!(order.is_sorted(), "{all}");
}
