//! Nodes and networks that fail.

use std::time::Duration;

use futures_util::future::join_all;
use ratekeeper_core::{Key, Limit, MAX_SPAN, Micros, Op};
use ratekeeper_memcached::MemcachedStore;
use ratekeeper_store::testkit::Proxy;
use ratekeeper_store::{Batch, Check, Store as _, StoreError, StoreExt as _};
use testservers::Memcached;
use tokio::time::{Instant, sleep, timeout};

use crate::runtime::url;

/// As long as anything may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(20);

fn window() -> Limit {
    Limit::fixed_window(100, MAX_SPAN).unwrap()
}

fn bucket() -> Limit {
    Limit::token_bucket(100, MAX_SPAN).unwrap()
}

async fn take(store: &MemcachedStore, key: &[u8], limit: &Limit) -> Result<u64, StoreError> {
    Ok(store.take(Key::new(key).unwrap(), limit, 1).await?.remaining)
}

/// Asks until the store answers, since it comes back by itself.
async fn eventually(store: &MemcachedStore, key: &[u8], limit: &Limit) -> u64 {
    let asking = async {
        loop {
            match take(store, key, limit).await {
                Ok(remaining) => return remaining,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap()
}

/// Asks until the node is known to be down, from when on nobody waits.
async fn until_down(store: &MemcachedStore, key: &[u8]) {
    let asking = async {
        loop {
            let start = Instant::now();
            let answer = take(store, key, &bucket()).await;
            if matches!(answer, Err(StoreError::Unavailable { .. }))
                && start.elapsed() < Duration::from_millis(20)
            {
                return;
            }
        }
    };
    timeout(PATIENCE, asking).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_killed_fails_fast_and_comes_back_empty() {
    let node = Memcached::start();
    let store = MemcachedStore::new(&url(&[&node])).unwrap();
    assert_eq!(take(&store, b"a", &window()).await, Ok(99));
    assert_eq!(take(&store, b"b", &bucket()).await, Ok(99));
    node.kill();
    let error = take(&store, b"a", &window()).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unavailable { reason } if reason.contains("127.0.0.1")),
        "{error}"
    );
    until_down(&store, b"b").await;
    node.restart();
    assert_eq!(eventually(&store, b"a", &window()).await, 99, "its counters are gone");
    assert_eq!(take(&store, b"b", &bucket()).await, Ok(99));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_that_nobody_noticed_costs_one_call_at_most() {
    let node = Memcached::start();
    let store = MemcachedStore::new(&url(&[&node])).unwrap();
    assert_eq!(take(&store, b"a", &window()).await, Ok(99));
    node.restart();
    let first = take(&store, b"a", &window()).await;
    let second = take(&store, b"a", &window()).await;
    assert!(first.is_ok() || second == Ok(99), "{first:?} {second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_paused_is_given_up_and_found_again() {
    let node = Memcached::start();
    let store = MemcachedStore::new(&format!("{}?timeout=100ms", url(&[&node]))).unwrap();
    assert_eq!(take(&store, b"a", &window()).await, Ok(99));
    node.pause();
    // The signal takes a moment to arrive.
    let mut answers = Vec::new();
    while answers.last().is_none_or(Result::is_ok) {
        answers.push(take(&store, b"a", &window()).await);
    }
    assert_eq!(answers.pop(), Some(Err(StoreError::Timeout)));
    until_down(&store, b"a").await;
    node.resume();
    // What was sent before the pause may have been counted since, and is not given back.
    let left = eventually(&store, b"a", &window()).await;
    assert!((80..=98).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_over_a_slow_network_do_not_wait_for_each_other() {
    let node = Memcached::start();
    let proxy = Proxy::to(node.address()).unwrap();
    proxy.delay(Duration::from_millis(50));
    let store = MemcachedStore::new(&format!("memcached://{}?timeout=10s", proxy.address())).unwrap();
    assert_eq!(take(&store, b"connects", &window()).await, Ok(99));
    let (start, limit) = (Instant::now(), window());
    let mut left = join_all((0..100).map(|_| take(&store, b"a", &limit))).await;
    // One after the other: ten seconds.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    left.sort_by_key(|left| left.clone().unwrap());
    assert_eq!(left, (0..100).map(Ok).collect::<Vec<_>>());
    assert_eq!(proxy.accepted(), 1, "over one connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_spoils_no_other() {
    let node = Memcached::start();
    let proxy = Proxy::to(node.address()).unwrap();
    proxy.delay(Duration::from_millis(5));
    let store = MemcachedStore::new(&format!("memcached://{}", proxy.address())).unwrap();
    for round in 0..20_u64 {
        let limit = Limit::token_bucket(1000 + round, MAX_SPAN).unwrap();
        let key = format!("kept/{round}");
        let (_, given_up, kept) = tokio::join!(
            timeout(Duration::from_millis(round), take(&store, b"given up", &limit)),
            timeout(Duration::from_millis(20 - round), take(&store, b"given up too", &limit)),
            take(&store, key.as_bytes(), &limit),
        );
        drop(given_up);
        assert_eq!(kept, Ok(999 + round), "the answer of another call");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_fails_its_calls_and_no_later_ones() {
    let node = Memcached::start();
    let proxy = Proxy::to(node.address()).unwrap();
    let store = MemcachedStore::new(&format!("memcached://{}", proxy.address())).unwrap();
    assert_eq!(take(&store, b"a", &bucket()).await, Ok(99));
    proxy.stall();
    let limit = bucket();
    let under_way = async {
        let cutting = async {
            sleep(Duration::from_millis(20)).await;
            proxy.cut();
            proxy.mend();
            proxy.resume();
        };
        tokio::join!(join_all((0..20).map(|_| take(&store, b"a", &limit))), cutting).0
    };
    for answer in timeout(PATIENCE, under_way).await.unwrap() {
        assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    }
    assert_eq!(eventually(&store, b"a", &bucket()).await, 98, "nothing of it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_nodes_one_is_lost_and_the_others_go_on() {
    let nodes = [(); 3].map(|()| Memcached::start());
    let store = MemcachedStore::new(&url(&[&nodes[0], &nodes[1], &nodes[2]])).unwrap();
    let keys: Vec<_> = (0..60).map(|number| format!("key/{number}")).collect();
    for key in &keys {
        assert_eq!(take(&store, key.as_bytes(), &bucket()).await, Ok(99));
    }
    nodes[1].kill();
    let mut lost = Vec::new();
    for key in &keys {
        match take(&store, key.as_bytes(), &bucket()).await {
            Ok(remaining) => assert_eq!(remaining, 98, "{key} has moved"),
            Err(_) => lost.push(key),
        }
    }
    assert!((8..=36).contains(&lost.len()), "{lost:?}");
    until_down(&store, lost[0].as_bytes()).await;
    // One batch: every unit fails or passes by itself, and what a failed one took elsewhere is given back.
    let kept = keys.iter().find(|key| !lost.contains(key)).unwrap();
    let limit = bucket();
    let mut batch = Batch::new();
    batch.push(Op::Take, [Check::new(Key::new(kept.as_bytes()).unwrap(), &limit, 1)]);
    batch.push(
        Op::Take,
        [kept, lost[0]].map(|key| Check::new(Key::new(key.as_bytes()).unwrap(), &limit, 50)),
    );
    store.apply(&mut batch).wait().await.unwrap();
    assert!(batch.units()[0].passes && batch.units()[0].error.is_none());
    assert!(matches!(batch.units()[1].error, Some(StoreError::Unavailable { .. })));
    assert_eq!(take(&store, kept.as_bytes(), &limit).await, Ok(96), "the 50 are back");
    nodes[1].restart();
    assert_eq!(eventually(&store, lost[0].as_bytes(), &bucket()).await, 99);
}

#[test]
fn no_task_outlives_its_store() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (node, paused) = (Memcached::start(), Memcached::start());
    let down = testservers::free_address();
    let limit = Limit::sliding_log(10, Micros::HOUR).unwrap();
    runtime.block_on(async {
        let url = format!("memcached://{},{},{down}?timeout=100ms", node.address(), paused.address());
        let store = MemcachedStore::new(&url).unwrap();
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 3);
        for key in 0..20_u8 {
            _ = take(&store, &[key], &limit).await;
        }
        paused.pause();
        for key in 0..20_u8 {
            _ = take(&store, &[key], &limit).await;
        }
    });
    let alive = || runtime.metrics().num_alive_tasks();
    testservers::eventually("all tasks have ended", || (alive() == 0).then_some(()));
}
