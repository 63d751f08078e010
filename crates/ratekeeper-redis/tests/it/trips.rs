//! How often the servers are asked.

use ratekeeper_core::{Key, Limit, Micros, Op, Timestamp};
use ratekeeper_store::{Batch, Check, Store as _};
use testservers::{Cluster, Redis};

use crate::support::{cluster_url, left, limit, store, take, take_all, wait};

const SCRIPTED: [&str; 3] = ["mget", "psetex", "del"];

#[test]
fn a_unit_is_one_call_however_many_limits_it_has() {
    let redis = Redis::start();
    let (store, limit) = (store(&redis.url()), limit(10));
    let keys: Vec<Vec<u8>> = (0..20).map(|number| format!("limit {number}").into_bytes()).collect();
    assert!(take_all(&store, &keys, &limit));
    assert_eq!((redis.calls("evalsha"), redis.calls("eval")), (1, 1), "the text is sent once");
    for _ in 0..5 {
        assert!(take_all(&store, &keys, &limit));
    }
    assert_eq!((redis.calls("evalsha"), redis.calls("eval")), (6, 1));
    assert_eq!(SCRIPTED.map(|command| redis.calls(command)), [6, 120, 0]);
    assert_eq!((redis.calls("get"), redis.calls("set")), (0, 0));

    redis.command(&["SCRIPT", "FLUSH"]);
    assert!(take_all(&store, &keys, &limit));
    assert_eq!((redis.calls("evalsha"), redis.calls("eval")), (7, 2), "sent once more");
}

#[test]
fn a_batch_of_many_units_is_one_call_that_writes_each_key_once() {
    let redis = Redis::start();
    let (store, limit) = (store(&redis.url()), limit(1000));
    assert_eq!(wait(take(&store, b"first", &limit)), Ok(true));
    redis.command(&["CONFIG", "RESETSTAT"]);
    let keys: Vec<String> = (0..10).map(|number| format!("key {number}")).collect();
    let mut batch = Batch::new();
    for unit in 0..100 {
        let key = Key::new(keys[unit % 10].as_bytes()).unwrap();
        batch.push(Op::Take, [Check::new(key, &limit, 1)]);
    }
    wait(store.apply(&mut batch).wait()).unwrap();
    assert_eq!((redis.calls("evalsha"), redis.calls("eval")), (1, 0));
    assert_eq!(SCRIPTED.map(|command| redis.calls(command)), [1, 10, 0]);
    assert_eq!(left(&store, b"key 3", &limit), 990);
}

#[test]
fn there_is_no_end_to_a_batch() {
    let redis = Redis::start();
    let (store, limit) = (store(&redis.url()), limit(2));
    let keys: Vec<String> = (0..9000).map(|number| format!("key {number}")).collect();
    let mut batch = Batch::new();
    for key in keys.iter().chain(&keys[..100]).chain(&keys[..100]) {
        batch.push(Op::Take, [Check::new(Key::new(key.as_bytes()).unwrap(), &limit, 1)]);
    }
    wait(store.apply(&mut batch).wait()).unwrap();
    let passed = batch.units().iter().filter(|unit| unit.passes).count();
    assert_eq!((passed, redis.calls("eval"), redis.calls("psetex")), (9100, 1, 9000));
}

#[test]
fn a_cluster_is_asked_once_a_slot_and_again_only_to_give_back() {
    let cluster = Cluster::start();
    let (store, limit, small) = (store(&cluster_url(&cluster)), limit(10), limit(1));
    let key = |rule: &str, subject: &str| format!("{rule}:{{{subject}}}").into_bytes();
    let calls = || cluster.nodes().iter().map(|node| node.calls("evalsha")).sum::<u64>();
    let near = ["second", "hour", "day"].map(|rule| key(rule, "alice"));
    let far = ["alice", "bob", "carol"].map(|subject| key("second", subject));
    // All three masters know the script after this.
    assert!(take_all(&store, &near, &limit) && take_all(&store, &far, &limit));
    let before = calls();
    assert!(take_all(&store, &near, &limit));
    assert_eq!(calls() - before, 1, "all keys of a subject are in one slot");
    assert!(take_all(&store, &far, &limit));
    assert_eq!(calls() - before, 4, "three slots");

    let spent = key("second", "dave");
    assert!(take_all(&store, std::slice::from_ref(&spent), &small));
    let (before, had) = (calls(), left(&store, &far[0], &limit));
    let mut batch = Batch::new();
    let check = |key, limit| Check::new(Key::new(key).unwrap(), limit, 1);
    batch.push(Op::Take, [check(&far[0], &limit), check(&spent, &small)]);
    wait(store.apply(&mut batch).wait()).unwrap();
    assert!(!batch.units()[0].passes);
    assert_eq!(calls() - before, 4, "both slots, once more to give back, and a look before");
    assert_eq!(left(&store, &far[0], &limit), had);
}

/// Bytes that the server has sent, this answer not among them.
fn sent(redis: &Redis) -> u64 {
    let info = redis.command(&["INFO", "stats"]);
    let field = info.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    field.unwrap().trim().parse().unwrap()
}

#[test]
fn a_long_log_is_not_sent_along() {
    let redis = Redis::start();
    let limit = Limit::sliding_log(1000, Micros::DAY).unwrap();
    let store = store(&redis.url());
    let take = |at: u64| {
        let mut batch = Batch::new().at(Timestamp::from_micros(4_000_000_000_000_000 + at));
        batch.push(Op::Take, [Check::new(Key::new(b"log").unwrap(), &limit, 1)]);
        let before = sent(&redis);
        wait(store.apply(&mut batch).wait()).unwrap();
        let after = sent(&redis);
        let verdict = batch.checks(0)[0].verdict.unwrap();
        (verdict.allowed, verdict.remaining, verdict.retry_after, after - before)
    };
    let info = take(0).3;
    for at in 1..1000 {
        let (allowed, remaining, _, bytes) = take(at);
        assert_eq!((allowed, remaining), (true, 999 - at));
        assert!(bytes < info + 300, "{bytes} bytes instead of {info} at {at}");
    }
    let (allowed, _, retry_after, bytes) = take(1000);
    assert_eq!((allowed, retry_after), (false, Some(Micros::new(Micros::DAY.get() - 1000))));
    assert!(bytes < info + 300, "{bytes} bytes");
    assert!(redis.command(&["STRLEN", "log"]).parse::<u64>().unwrap() >= 16_000);
}
