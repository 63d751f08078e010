//! What is in the table.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use ratekeeper_core::{Ask, Calendar, Entries, Entry, Holder, Key, Limit, Micros, Op, Period, State, Stored};
use ratekeeper_dynamodb::{DynamoDbConfig, DynamoDbStore};
use ratekeeper_store::{Clock, ManualClock, Store as _, StoreError, StoreExt as _, codec};
use testservers::DynamoDb;

use crate::common::{
    NOW, bucket, client, http_client, key_of, push, runtime, sdk, store, take, unit, url, window,
};

const TABLE: &str = "items";

fn item(key: &str) -> Option<HashMap<String, AttributeValue>> {
    let request = client().get_item().table_name(TABLE).key("k", key_of(key.as_bytes()));
    runtime().block_on(async { request.consistent_read(true).send().await.unwrap().item })
}

fn number(item: &HashMap<String, AttributeValue>, name: &str) -> u64 {
    item[name].as_n().unwrap().parse().unwrap()
}

fn store_by(clock: &Arc<ManualClock>) -> DynamoDbStore {
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    let config = DynamoDbConfig { sdk: Some(sdk(http_client())), clock };
    DynamoDbStore::new(&url(TABLE, &DynamoDb::shared().url()), config).unwrap()
}

fn limits() -> [Limit; 4] {
    [
        bucket(),
        window(),
        Limit::sliding_window(100, Micros::DAY).unwrap(),
        Limit::sliding_log(100, Micros::DAY).unwrap(),
    ]
}

#[test]
fn a_refusal_leaves_the_item_as_it_was() {
    let store = store(TABLE);
    for limit in limits() {
        let key = format!("refused {limit}");
        assert!(runtime().block_on(take(&store, &key, &limit, 60)).unwrap().0);
        let before = item(&key).unwrap();
        for cost in [41, 101] {
            // Refused by what the store knows, and by one that knows nothing.
            for store in [&store, &crate::common::store(TABLE)] {
                assert!(!runtime().block_on(take(store, &key, &limit, cost)).unwrap().0);
            }
        }
        assert_eq!(item(&key).unwrap(), before, "{limit}");
    }
    let (limit, mut refused) = (bucket(), unit(Op::Take, []));
    push(
        &mut refused,
        Op::Take,
        [
            ("refused together", &limit, 1),
            ("refused 100 per 1d (token_bucket)", &limit, 50),
        ],
    );
    runtime().block_on(store.apply(&mut refused).wait()).unwrap();
    assert!(!refused.units()[1].passes);
    assert_eq!(item("refused together"), None);
}

#[test]
fn an_item_that_has_expired_counts_no_more_though_it_is_there() {
    for limit in limits() {
        let clock = Arc::new(ManualClock::new(NOW));
        let key = format!("expired {limit}");
        let answer = runtime().block_on(take(&store_by(&clock), &key, &limit, 100)).unwrap();
        assert_eq!(answer, (true, 0));
        clock.advance(Micros::new(3 * Micros::DAY.get()));
        let before = item(&key).unwrap();
        assert!(number(&before, "expires") < clock.now().as_micros() / 1_000_000, "it has expired");
        let answer = runtime().block_on(take(&store_by(&clock), &key, &limit, 99)).unwrap();
        assert_eq!(answer, (true, 1), "{limit}");
    }
}

#[test]
fn every_item_says_when_it_may_be_deleted_and_no_earlier_than_it_is_idle() {
    let clock = Arc::new(ManualClock::new(NOW));
    let store = store_by(&clock);
    for limit in limits() {
        let key = format!("kept {limit}");
        for _ in 0..3 {
            let mut batch = unit(Op::Take, [(key.as_str(), &limit, 10)]);
            runtime().block_on(store.apply(&mut batch).wait()).unwrap();
            let idle_at = NOW + batch.checks(0)[0].verdict.unwrap().reset_after;
            let expires = number(&item(&key).unwrap(), "expires");
            assert!(expires * 1_000_000 >= idle_at.as_micros() + 60_000_000, "{limit}");
            let latest = NOW + Micros::new(2 * Micros::DAY.get() + 61_000_000);
            assert!(expires * 1_000_000 <= latest.as_micros(), "{limit}");
        }
    }
}

/// The item of an empty window need not be kept; that of what is taken from it next must be.
#[test]
fn what_is_taken_from_an_empty_window_is_kept_to_its_end() {
    let store = store(TABLE);
    let ask = |key: &str, limit: &Limit, op, cost| {
        let key = Key::new(key.as_bytes()).unwrap();
        runtime().block_on(store.ask(key, limit, &Ask::new(op, cost))).unwrap()
    };
    let month = Calendar::new(Period::Month, "UTC").unwrap();
    for limit in [window(), Limit::calendar_window(100, month).unwrap()] {
        for cost in [0, 1] {
            let key = format!("emptied {cost} {limit}");
            ask(&key, &limit, Op::Take, cost);
            ask(&key, &limit, Op::Refund, cost);
            assert!(item(&key).is_none_or(|item| number(&item, "c") == 0));
            let end = NOW + ask(&key, &limit, Op::Take, 1).reset_after;
            let expires = number(&item(&key).unwrap(), "expires");
            assert!(expires * 1_000_000 >= end.as_micros() + 60_000_000, "{key}: {expires}, {end:?}");
        }
    }
}

#[test]
fn a_state_that_no_item_can_hold_is_an_error_and_changes_nothing() {
    let limit = Limit::concurrency(100_000, Micros::DAY).unwrap();
    let store = store(TABLE);
    runtime().block_on(take(&store, "anything", &limit, 0)).unwrap();
    // 17 bytes, and 32 for each holder.
    let most = (store.capabilities().largest_state.unwrap() - 17) / 32;
    let holders = (1..most).map(|holder| Entry {
        expiry: (NOW + Micros::DAY).as_micros(),
        count: 1,
        holder: Holder::new(holder.into()),
    });
    let state = State::Entries(Box::new(Entries::from_parts(holders)));
    let mut bytes = Vec::new();
    codec::write(&Stored { tag: limit.tag(), state }, &mut bytes);
    let request = client().put_item().table_name(TABLE).item("k", key_of(b"too large"));
    let request = request.item("d", key_of(&bytes)).item("v", key_of(&[0; 16]));
    runtime().block_on(request.send()).unwrap();
    let ask = |op, holder| {
        let ask = Ask::new(op, 1).by(Holder::new(holder));
        runtime().block_on(store.ask(Key::new(b"too large").unwrap(), &limit, &ask))
    };
    assert!(ask(Op::Take, 1 << 100).unwrap().allowed, "the largest");
    let error = ask(Op::Take, 1 << 101).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { bytes, max_bytes } if bytes > max_bytes), "{error}");
    assert_eq!(ask(Op::Peek, 1).unwrap().remaining, 100_000 - most);
}

#[test]
fn a_prefix_keeps_counters_apart_in_one_table() {
    let limit = bucket();
    let url = url(TABLE, &DynamoDb::shared().url());
    let [one, other] =
        ["a:", "b%00:"].map(|prefix| crate::common::store_at(&format!("{url}&prefix={prefix}")));
    assert_eq!(runtime().block_on(take(&one, "prefixed", &limit, 10)).unwrap(), (true, 90));
    assert_eq!(runtime().block_on(take(&other, "prefixed", &limit, 20)).unwrap(), (true, 80));
    assert!(item("a:prefixed").is_some() && item("b\0:prefixed").is_some() && item("prefixed").is_none());
}

#[test]
fn an_item_of_somebody_else_is_an_error_and_stays() {
    let (limit, store) = (bucket(), store(TABLE));
    runtime().block_on(take(&store, "anything", &limit, 1)).unwrap();
    let request = client().put_item().table_name(TABLE).item("k", key_of(b"foreign"));
    runtime()
        .block_on(request.item("t", AttributeValue::S("theirs".to_owned())).send())
        .unwrap();
    let error = runtime().block_on(take(&store, "foreign", &limit, 1)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Misconfigured { reason } if reason.contains("prefix")),
        "{error}"
    );
    assert_eq!(item("foreign").unwrap()["t"].as_s().unwrap(), "theirs");
}

#[test]
fn a_unit_that_is_too_large_for_a_transaction_spoils_no_other() {
    let (store, limit) = (store(TABLE), window());
    let keys: Vec<String> = (0..=100).map(|number| format!("too large {number}")).collect();
    let mut batch = unit(Op::Take, [("beside it", &limit, 1)]);
    push(&mut batch, Op::Take, keys.iter().map(|key| (key.as_str(), &limit, 1)));
    runtime().block_on(store.apply(&mut batch).wait()).unwrap();
    assert_eq!((batch.units()[0].passes, &batch.units()[0].error), (true, &None));
    let error = batch.units()[1].error.as_ref().unwrap().to_string();
    assert!(error.contains("asks 101 counters at once; DynamoDB has at most 100"), "{error}");
    let mut alone = unit(Op::Take, keys.iter().map(|key| (key.as_str(), &limit, 1)));
    assert!(runtime().block_on(store.apply(&mut alone).wait()).is_err());
    assert!(item(&keys[0]).is_none(), "nothing was counted");
}
