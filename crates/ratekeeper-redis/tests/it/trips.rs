//! How often the servers are asked.

use ratekeeper_core::{Key, Op};
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
