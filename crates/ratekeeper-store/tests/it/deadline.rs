//! A store that is too slow is not waited for.

use std::sync::Arc;
use std::time::Duration;

use ratekeeper_core::{Ask, Key, Op};
use ratekeeper_store::testkit::{Fault, block_on};
use ratekeeper_store::{Batch, Deadline, MemoryStore, Store, StoreError};
use tokio::time::Instant;

use crate::remote::{Remote, begin, in_tokio, left, limit, poll_once, take};
use crate::table::Later;

const BUDGET: Duration = Duration::from_millis(20);

mod around_memory {
    use super::*;
    ratekeeper_store::conformance!(in_tokio(Deadline::new(MemoryStore::default(), BUDGET)));
}

mod around_later {
    use super::*;
    // Sixteen threads on a busy machine may take longer than a server does.
    ratekeeper_store::conformance!(in_tokio(Deadline::new(Later::default(), Duration::from_secs(60))));
}

#[test]
fn a_store_in_memory_still_answers_at_once() {
    let (store, limit) = (Deadline::new(MemoryStore::default(), Duration::ZERO), limit());
    let mut batch = Batch::single(Key::new(b"a").unwrap(), &limit, &Ask::new(Op::Take, 1));
    assert_eq!(store.apply(&mut batch).ready(), Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_exactly_at_the_deadline() {
    let inner = Remote::faulty();
    let store = Deadline::new(Arc::clone(&inner), BUDGET);
    for (call, fault) in [(0, Fault::Silence), (1, Fault::SilenceAfter)] {
        inner.on_call(call, fault);
        let begun = Instant::now();
        assert_eq!(take(&store, "a", 1).await, Err(StoreError::Timeout));
        assert_eq!(begun.elapsed(), BUDGET);
    }
    assert_eq!(take(&store, "a", 1).await.unwrap().remaining, 998, "only the second was written");
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_time_is_answered() {
    let inner = Remote::faulty();
    let store = Deadline::new(Arc::clone(&inner), BUDGET);
    inner.on_call(0, Fault::Hold);
    let mut slow = begin(take(&store, "a", 1)).await;
    tokio::time::advance(Duration::from_millis(19)).await;
    assert!(poll_once(&mut slow).await.is_pending());
    inner.release();
    assert_eq!(slow.await.unwrap().remaining, 999);
    // What is late is given up, and is not written later.
    inner.on_call(1, Fault::Hold);
    let slow = begin(take(&store, "a", 1)).await;
    tokio::time::advance(Duration::from_millis(21)).await;
    assert_eq!(slow.await, Err(StoreError::Timeout));
    inner.release();
    assert_eq!(left(&inner, "a"), 999);
}

#[test]
fn outside_of_a_runtime_there_is_no_deadline() {
    let store = Deadline::new(Later::default(), Duration::ZERO);
    assert_eq!(block_on(take(&store, "a", 1)).unwrap().remaining, 999);
}
