//! A policy is swapped as a whole, and counters live on.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Setup, lines, policy};

#[test]
fn counters_survive_where_key_and_limit_are_unchanged() {
    let setup = Setup::new("rules: [{ name: a, key: [user], limits: [3 per hour] }]");
    assert!(setup.user("alice").allowed());
    setup
        .engine
        .swap(policy("rules: [{ name: a, key: [user], limits: [3 per hour, 9 per day] }]"))
        .unwrap();
    assert_eq!(lines(&setup.user("alice")), [("a", 0, true, 1), ("a", 1, true, 8)]);
    setup
        .engine
        .swap(policy("rules: [{ name: a, key: [user], limits: [5 per hour] }]"))
        .unwrap();
    assert_eq!(
        lines(&setup.user("alice")),
        [("a", 0, true, 0)],
        "two of three an hour are forty minutes of the bucket, and the next of five takes twelve"
    );
}

#[test]
fn a_policy_that_needs_a_store_that_is_not_there_changes_nothing() {
    let setup = Setup::new("rules: [{ name: a, limits: [3 per hour] }]");
    let version = setup.engine.policy_version();
    let other = policy(
        "stores: { far: { type: redis, url: 'redis://x' } }\nrules: [{ name: a, limits: [1 per hour] }]",
    );
    let error = setup.engine.swap(other).unwrap_err().to_string();
    assert!(error.starts_with("stores.far: no redis store was given"), "{error}");
    assert_eq!(setup.engine.policy_version(), version);
    assert!(setup.user("alice").allowed());
    // Nor does a store in memory go on under the name of another kind.
    let same = policy(
        "stores: { default: { type: redis, url: 'redis://x' } }\nrules: [{ name: a, limits: [1 per hour] }]",
    );
    assert!(setup.engine.swap(same).is_err());
}

#[test]
fn a_request_sees_exactly_one_policy() {
    let one = "rules: [{ name: one, limits: [1000000 per hour] }]";
    let two = "rules: [{ name: two, limits: [1000000 per hour] }, { name: too, limits: [1000000 per day] }]";
    let setup = Setup::new(one);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let outcome = setup.user("alice");
                    let names: Vec<_> = lines(&outcome).into_iter().map(|line| line.0).collect();
                    assert!(names == ["one"] || names == ["two", "too"], "{names:?}");
                    assert_eq!(outcome.policy().rules().len(), names.len());
                }
            });
        }
        for _ in 0..200 {
            setup.engine.swap(policy(two)).unwrap();
            setup.engine.swap(policy(one)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}
