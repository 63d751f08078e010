//! Servers and networks that fail.

use std::sync::Arc;
use std::time::Duration;

use ratekeeper_redis::RedisStore;
use ratekeeper_store::StoreError;
use ratekeeper_store::testkit::Proxy;
use testservers::Redis;
use tokio::time::Instant;

use crate::support::{left, limit, runtime, store, take, wait};

/// From when on a server answers until the store asks it again, at most.
const RECOVERY: Duration = Duration::from_secs(5);

/// Takes until one passes.
async fn take_until_it_passes(store: &RedisStore, key: &[u8]) {
    let start = Instant::now();
    while take(store, key, &limit(1_000_000)).await != Ok(true) {
        assert!(start.elapsed() < RECOVERY, "it does not recover");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn a_server_may_come_later_and_come_back() {
    let redis = Redis::start();
    redis.kill();
    let store = store(&redis.url());
    let absent = wait(take(&store, b"a", &limit(1)));
    assert!(matches!(absent, Err(StoreError::Unavailable { .. })), "{absent:?}");
    redis.restart();
    wait(take_until_it_passes(&store, b"a"));
    redis.restart();
    wait(take_until_it_passes(&store, b"a"));
}

#[test]
fn nobody_waits_for_a_server_that_hangs_and_no_task_is_left() {
    let redis = Redis::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (store, limit) = (Arc::new(store(&redis.url())), limit(1000));
        assert_eq!(take(&store, b"a", &limit).await, Ok(true));
        redis.pause();
        let start = Instant::now();
        // Long enough for the store to give the connection up, and to try others.
        while start.elapsed() < Duration::from_secs(3) {
            let mut waiting = tokio::task::JoinSet::new();
            for _ in 0..10 {
                let (store, limit) = (Arc::clone(&store), limit.clone());
                waiting.spawn(async move { take(&store, b"a", &limit).await });
            }
            for answer in waiting.join_all().await {
                assert!(matches!(answer, Err(StoreError::Timeout | StoreError::Unavailable { .. })));
            }
        }
        redis.resume();
        take_until_it_passes(&store, b"a").await;
        let clients: u64 = redis.info("connected_clients").parse().unwrap();
        assert!(clients <= 3, "connections are not piled up: {clients}");
        drop(store);
        let start = Instant::now();
        while runtime_tasks() > 0 {
            assert!(start.elapsed() < RECOVERY, "{} tasks are left", runtime_tasks());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

fn runtime_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[test]
fn what_may_have_been_counted_is_not_sent_again() {
    let redis = Redis::start();
    let proxy = Proxy::to(redis.address()).unwrap();
    let (store, limit) = (Arc::new(store(&format!("redis://{}", proxy.address()))), limit(1000));
    assert_eq!(wait(take(&store, b"a", &limit)), Ok(true));
    redis.command(&["CONFIG", "RESETSTAT"]);
    proxy.delay(Duration::from_millis(200));
    let asked: Vec<_> = (0..10)
        .map(|_| {
            let (store, limit) = (Arc::clone(&store), limit.clone());
            runtime().spawn(async move { take(&store, b"a", &limit).await })
        })
        .collect();
    testservers::eventually("all are counted", || (redis.calls("evalsha") == 10).then_some(()));
    proxy.cut();
    for answer in asked {
        let answer = wait(answer).unwrap();
        assert!(
            matches!(&answer, Err(StoreError::Unavailable { reason }) if reason.contains("may have")),
            "{answer:?}"
        );
    }
    proxy.delay(Duration::ZERO);
    proxy.mend();
    wait(take_until_it_passes(&store, b"b"));
    assert_eq!(left(&store, b"a", &limit), 989, "each is counted once");
}

#[test]
fn late_answers_spoil_nothing() {
    let redis = Redis::start();
    let proxy = Proxy::to(redis.address()).unwrap();
    let (store, limit) = (store(&format!("redis://{}", proxy.address())), limit(1000));
    assert_eq!(wait(take(&store, b"a", &limit)), Ok(true));
    proxy.delay(Duration::from_millis(700));
    for _ in 0..2 {
        assert_eq!(wait(take(&store, b"a", &limit)), Err(StoreError::Timeout));
    }
    proxy.delay(Duration::ZERO);
    wait(take_until_it_passes(&store, b"b"));
    assert_eq!(left(&store, b"a", &limit), 997, "they were counted, late");
    assert_eq!(proxy.accepted(), 1, "on the same connection");
}

#[test]
fn a_server_that_is_away_is_not_stormed() {
    let redis = Redis::start();
    let proxy = Proxy::to(redis.address()).unwrap();
    redis.kill();
    let (store, limit) = (Arc::new(store(&format!("redis://{}", proxy.address()))), limit(1000));
    wait(async {
        let (start, mut asking) = (Instant::now(), tokio::task::JoinSet::new());
        for _ in 0..100 {
            let (store, limit) = (Arc::clone(&store), limit.clone());
            asking.spawn(async move {
                while start.elapsed() < Duration::from_secs(2) {
                    take(&store, b"a", &limit).await.unwrap_err();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
        }
        asking.join_all().await;
    });
    assert!((2..30).contains(&proxy.accepted()), "{} connections", proxy.accepted());
    redis.restart();
    wait(take_until_it_passes(&store, b"a"));
}

#[test]
fn what_a_server_cannot_do_now_is_told_and_counts_nothing() {
    let redis = Redis::start();
    let (store, limit) = (store(&redis.url()), limit(10));
    assert_eq!(wait(take(&store, b"a", &limit)), Ok(true));
    let told = |words: &[&str], part: &str| {
        redis.command(words);
        let told = wait(take(&store, b"a", &limit));
        let text = format!("{told:?}");
        assert!(matches!(told, Err(StoreError::Unavailable { .. })) && text.contains(part), "{text}");
    };
    told(&["CONFIG", "SET", "maxmemory", "1"], "out of memory");
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    told(&["CONFIG", "SET", "min-replicas-to-write", "1"], "NOREPLICAS");
    redis.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    told(&["REPLICAOF", "127.0.0.1", "1"], "replica");
    redis.command(&["REPLICAOF", "NO", "ONE"]);
    wait(take_until_it_passes(&store, b"b"));
    assert_eq!(left(&store, b"a", &limit), 9);
}
