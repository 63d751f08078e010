//! What a store does when the service is gone, hangs, or answers late.

use std::time::Duration;

use ratekeeper_dynamodb::DynamoDbStore;
use ratekeeper_store::StoreError;
use ratekeeper_store::testkit::Proxy;
use testservers::{DynamoDb, eventually};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::common::{bucket, client, runtime, store_at, take, url};

const DEADLINE: Duration = Duration::from_millis(50);

fn a_runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// Takes one, until that is answered.
fn eventually_takes(runtime: &Runtime, store: &DynamoDbStore, key: &str) -> u64 {
    eventually("an answer", || runtime.block_on(take(store, key, &bucket(), 1)).ok()).1
}

#[test]
fn a_service_that_is_not_there_yet_is_found_when_it_is() {
    let address = testservers::free_address();
    let store = store_at(&url("late", &format!("http://{address}")));
    let error = runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.is_retryable());
}

#[test]
fn a_service_that_dies_is_told_and_found_again() {
    let server = DynamoDb::start();
    let store = store_at(&url("killed", &server.url()));
    // A server that has just started is slow.
    eventually_takes(runtime(), &store, "key");
    server.kill();
    for _ in 0..3 {
        let error = runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    }
    // It has lost everything, the table too.
    server.restart();
    assert_eq!(eventually_takes(runtime(), &store, "key"), 99);
}

#[test]
fn a_service_that_hangs_is_given_up_and_found_again() {
    let (server, runtime) = (DynamoDb::start(), a_runtime());
    let store = store_at(&url("paused", &server.url()));
    let before = eventually_takes(&runtime, &store, "key");
    server.pause();
    for _ in 0..10 {
        let given_up = runtime.block_on(async { timeout(DEADLINE, take(&store, "key", &bucket(), 1)).await });
        assert!(given_up.is_err());
    }
    let error = runtime.block_on(take(&store, "key", &bucket(), 1)).unwrap_err();
    assert_eq!(error, StoreError::Timeout, "a request ends by itself");
    server.resume();
    let remaining = eventually_takes(&runtime, &store, "key");
    assert!((before - 20..before).contains(&remaining), "each counts once or not at all: {remaining}");
    drop(store);
    let tasks = || runtime.metrics().num_alive_tasks();
    eventually("every task to end", || (tasks() == 0).then_some(()));
}

#[test]
fn answers_that_come_too_late_cost_no_connections() {
    let proxy = Proxy::to(DynamoDb::shared().address()).unwrap();
    let store = store_at(&url("slow", &format!("http://{}", proxy.address())));
    assert!(runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap().0);
    proxy.delay(2 * DEADLINE);
    for _ in 0..20 {
        let given_up =
            runtime().block_on(async { timeout(DEADLINE, take(&store, "key", &bucket(), 1)).await });
        assert!(given_up.is_err());
    }
    proxy.delay(Duration::ZERO);
    let answer = eventually("an answer in time", || {
        runtime().block_on(async { timeout(DEADLINE, take(&store, "key", &bucket(), 1)).await.ok() })
    });
    let (open, accepted) = (proxy.connections() as u64, proxy.accepted());
    assert_eq!(open, accepted, "none was closed because nobody waited for its answer");
    let remaining = answer.unwrap().1;
    assert!((50..=98).contains(&remaining), "each counts once or not at all: {remaining}");
}

#[test]
fn what_a_first_check_begins_goes_on_when_nobody_waits_for_it() {
    let proxy = Proxy::to(DynamoDb::shared().address()).unwrap();
    let store = store_at(&url("begun", &format!("http://{}", proxy.address())));
    proxy.delay(DEADLINE);
    let given_up =
        || runtime().block_on(async { timeout(DEADLINE, take(&store, "key", &bucket(), 1)).await });
    let found = || runtime().block_on(client().describe_table().table_name("begun").send()).ok();
    eventually("the table", || {
        assert!(given_up().is_err());
        found()
    });
    proxy.delay(Duration::ZERO);
    assert!(eventually_takes(runtime(), &store, "key") <= 99);
}

#[test]
fn connections_that_are_cut_are_made_anew() {
    let proxy = Proxy::to(DynamoDb::shared().address()).unwrap();
    let store = store_at(&url("cut", &format!("http://{}", proxy.address())));
    assert!(runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap().0);
    proxy.cut();
    let error = runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    proxy.mend();
    assert!(eventually_takes(runtime(), &store, "key") >= 97);
}
