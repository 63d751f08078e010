//! How many requests a check costs, and which.

use std::sync::Arc;

use ratekeeper_core::{Ask, Holder, Key, Limit, Micros, Op};
use ratekeeper_dynamodb::DynamoDbStore;
use ratekeeper_store::{Batch, Store as _, StoreExt as _};
use testservers::DynamoDb;

use crate::common::{bucket, push, runtime, store_with, take, unit, url, window};
use crate::recorded::Recorded;

/// A store that has found its table, and nobody has asked yet.
fn fresh() -> (DynamoDbStore, Recorded) {
    let recorded = Recorded::new();
    let store = store_with(&url("trips", &DynamoDb::shared().url()), recorded.clone());
    runtime().block_on(async { take(&store, "first", &bucket(), 0).await.unwrap() });
    recorded.take();
    (store, recorded)
}

/// What a take of `cost` costs, which must be answered so.
fn costs(
    (store, recorded): &(DynamoDbStore, Recorded),
    (key, limit, cost): (&str, &Limit, u64),
    expected: (bool, u64),
) -> Vec<String> {
    let answer = runtime().block_on(take(store, key, limit, cost));
    assert_eq!(answer.unwrap(), expected, "{limit}");
    recorded.take()
}

#[test]
fn a_take_is_one_conditional_write_and_a_refusal_writes_nothing() {
    for (key, limit) in [
        ("bucket", bucket()),
        ("window", window()),
        ("fast", Limit::token_bucket(97, Micros::HOUR).unwrap().with_burst(100).unwrap()),
    ] {
        let subject = fresh();
        assert_eq!(costs(&subject, (key, &limit, 10), (true, 90)), ["PutItem"], "a new counter");
        assert_eq!(costs(&subject, (key, &limit, 20), (true, 70)), ["UpdateItem"], "one that it knows");
        let other = fresh();
        let twice = ["PutItem", "UpdateItem"];
        assert_eq!(costs(&other, (key, &limit, 30), (true, 40)), twice, "one that it does not know");
        assert_eq!(costs(&subject, (key, &limit, 40), (true, 0)), ["UpdateItem"], "whatever others took");
        assert_eq!(costs(&other, (key, &limit, 1), (false, 0)), ["UpdateItem"], "refused by the condition");
        assert_eq!(costs(&other, (key, &limit, 1), (false, 0)), ["GetItem"], "refused by what it knows");
        assert_eq!(costs(&other, (key, &limit, 101), (false, 0)), ["GetItem"], "what can never pass");
        assert_eq!(costs(&fresh(), (key, &limit, 1), (false, 0)), ["PutItem"], "refused, unknown");
    }
}

#[test]
fn other_algorithms_cost_one_trip_where_nobody_else_takes_and_two_otherwise() {
    let sliding = Limit::sliding_window(100, Micros::DAY).unwrap();
    let subject = fresh();
    assert_eq!(costs(&subject, ("sliding", &sliding, 10), (true, 90)), ["PutItem"]);
    assert_eq!(costs(&subject, ("sliding", &sliding, 10), (true, 80)), ["PutItem"]);
    let twice = ["PutItem", "PutItem"];
    assert_eq!(costs(&fresh(), ("sliding", &sliding, 10), (true, 70)), twice);
    assert_eq!(costs(&subject, ("sliding", &sliding, 10), (true, 60)), twice);
    assert_eq!(costs(&subject, ("sliding", &sliding, 61), (false, 60)), ["GetItem"]);
    let log = Limit::sliding_log(100, Micros::DAY).unwrap();
    for remaining in [99, 98] {
        assert_eq!(costs(&subject, ("log", &log, 1), (true, remaining)), ["GetItem", "PutItem"]);
    }
    let (store, recorded) = &subject;
    let holders = Limit::concurrency(1, Micros::DAY).unwrap();
    let ask = |holder| Ask::new(Op::Take, 1).by(Holder::new(holder));
    let hold = |holder| runtime().block_on(store.ask(Key::new(b"holders").unwrap(), &holders, &ask(holder)));
    assert!(hold(1).unwrap().allowed);
    assert_eq!(recorded.take(), ["GetItem", "PutItem"]);
    assert!(!hold(2).unwrap().allowed);
    assert_eq!(recorded.take(), ["GetItem"]);
}

#[test]
fn several_keys_are_one_transaction() {
    let (bucket, window) = (bucket(), window());
    let (store, recorded) = fresh();
    let checks = |cost| {
        [
            ("tx 1", &bucket, cost),
            ("tx 2", &window, cost),
            ("tx 3", &bucket, 1),
        ]
    };
    let asked = |store: &DynamoDbStore, cost, passes| {
        let mut batch = unit(Op::Take, checks(cost));
        runtime().block_on(store.apply(&mut batch).wait()).unwrap();
        assert_eq!(batch.units()[0].passes, passes);
    };
    asked(&store, 40, true);
    assert_eq!(recorded.take(), ["TransactWriteItems"], "new ones");
    asked(&store, 40, true);
    assert_eq!(recorded.take(), ["TransactWriteItems"], "known ones");
    asked(&store, 40, false);
    assert_eq!(recorded.take(), ["TransactGetItems"], "a refusal is read, and writes nothing");
    let (other, others) = fresh();
    asked(&other, 20, true);
    assert_eq!(others.take(), ["TransactWriteItems", "TransactWriteItems"], "unknown ones");
    asked(&store, 1, false);
    assert_eq!(
        recorded.take(),
        ["TransactWriteItems", "TransactGetItems"],
        "what others changed meanwhile"
    );
}

#[test]
fn a_batch_is_one_write_a_key() {
    let (limit, (store, recorded)) = (bucket(), fresh());
    let mut batch = Batch::new();
    for _ in 0..30 {
        for key in ["batch 1", "batch 2", "batch 3"] {
            push(&mut batch, Op::Take, [(key, &limit, 1)]);
        }
    }
    runtime().block_on(store.apply(&mut batch).wait()).unwrap();
    assert_eq!(recorded.take(), ["PutItem"; 3]);
    assert_eq!(batch.checks(89)[0].verdict.unwrap().remaining, 70);
    runtime().block_on(store.apply(&mut batch).wait()).unwrap();
    assert_eq!(recorded.take(), ["UpdateItem"; 3]);
    runtime().block_on(store.apply(&mut batch).wait()).unwrap();
    runtime().block_on(store.apply(&mut batch).wait()).unwrap();
    assert_eq!(batch.checks(27)[0].verdict.unwrap().remaining, 0);
    assert_eq!(batch.units().iter().filter(|unit| unit.passes).count(), 30, "the first ten of each key");
}

#[test]
fn those_who_take_from_a_hot_key_do_not_get_in_each_others_way() {
    let (limit, (store, recorded)) = (bucket(), fresh());
    let store = Arc::new(store);
    runtime().block_on(take(&*store, "hot", &limit, 1)).unwrap();
    recorded.take();
    let takes: Vec<_> = (0..60)
        .map(|_| {
            let (store, limit) = (Arc::clone(&store), limit.clone());
            runtime().spawn(async move { take(&*store, "hot", &limit, 1).await.unwrap() })
        })
        .collect();
    let mut left: Vec<u64> = takes.into_iter().map(|take| runtime().block_on(take).unwrap().1).collect();
    left.sort_unstable();
    assert_eq!(left, (39..99).collect::<Vec<_>>(), "each saw the counter as it left it");
    assert_eq!(recorded.take(), ["UpdateItem"; 60]);
}
