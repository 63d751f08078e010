//! How much a check costs the server.

use ratekeeper_core::{Key, Limit, MAX_SPAN, Micros, Op};
use ratekeeper_store::{Batch, Check, Store as _};
use testservers::Memcached;

use crate::runtime::{runtime, store, take, url};
use crate::servers::stat;

/// What the server counts; not the command that creates a number.
const COUNTED: &[&str] = &[
    "incr_hits",
    "incr_misses",
    "decr_hits",
    "decr_misses",
    "cmd_get",
    "cmd_set",
    "delete_hits",
    "delete_misses",
];

/// How many commands `work` makes the server execute.
fn commands(node: &Memcached, work: impl FnOnce()) -> u64 {
    let all = || COUNTED.iter().map(|name| stat(node, name)).sum::<u64>();
    let before = all();
    work();
    all() - before
}

#[test]
fn a_check_of_a_fixed_window_is_one_command() {
    let node = Memcached::start();
    let store = store(&url(&[&node]));
    let limit = Limit::fixed_window(50, MAX_SPAN).unwrap();
    take(&store, b"alice", &limit).unwrap();
    let allowed = commands(&node, || {
        (1..50).for_each(|_| assert!(take(&store, b"alice", &limit).unwrap().allowed));
    });
    assert_eq!(allowed, 49);
    let refused = commands(&node, || {
        (0..50).for_each(|_| assert!(!take(&store, b"alice", &limit).unwrap().allowed));
        // What is asked later comes after what was taken back.
        assert!(!take(&store, b"alice", &limit).unwrap().allowed);
        take(&store, b"bob", &limit).unwrap();
    });
    assert_eq!(refused, 102, "a refusal takes back what it added");
}

#[test]
fn many_checks_of_one_key_are_one_command() {
    let node = Memcached::start();
    let store = store(&url(&[&node]));
    let limit = Limit::fixed_window(1000, MAX_SPAN).unwrap();
    take(&store, b"alice", &limit).unwrap();
    let asked = commands(&node, || {
        let mut batch = Batch::new();
        for _ in 0..128 {
            batch.push(Op::Take, [Check::new(Key::new(b"alice").unwrap(), &limit, 1)]);
        }
        runtime().block_on(store.apply(&mut batch).wait()).unwrap();
        assert_eq!(batch.checks(127)[0].verdict.unwrap().remaining, 1000 - 129);
    });
    assert_eq!(asked, 1);
}

#[test]
fn a_check_of_a_bucket_is_two_commands_and_a_refusal_one() {
    let node = Memcached::start();
    let store = store(&url(&[&node]));
    let limit = Limit::token_bucket(10, Micros::DAY).unwrap();
    take(&store, b"connects", &limit).unwrap();
    let allowed = commands(&node, || {
        (0..10).for_each(|_| assert!(take(&store, b"alice", &limit).unwrap().allowed));
    });
    assert_eq!(allowed, 20);
    let refused = commands(&node, || {
        (0..10).for_each(|_| assert!(!take(&store, b"alice", &limit).unwrap().allowed));
    });
    assert_eq!(refused, 10);
}
