//! Keys that somebody else has written.

use ratekeeper_core::{Key, Limit, Micros, Op};
use ratekeeper_redis::RedisStore;
use ratekeeper_store::{Batch, Check, Store as _, StoreError};
use testservers::Redis;

use crate::support::{limit, store, take, wait};

fn limits() -> [Limit; 4] {
    let (count, window) = (10, Micros::new(1 << 40));
    [
        limit(count),
        Limit::fixed_window(count, window).unwrap(),
        Limit::sliding_window(count, window).unwrap(),
        Limit::sliding_log(count, window).unwrap(),
    ]
}

/// What takes of these keys come to: one unit of each list.
fn take_each(store: &RedisStore, units: &[&[&[u8]]], limit: &Limit) -> Vec<Result<u64, StoreError>> {
    let mut batch = Batch::new();
    for keys in units {
        batch.push(Op::Take, keys.iter().map(|key| Check::new(Key::new(key).unwrap(), limit, 1)));
    }
    wait(store.apply(&mut batch).wait()).unwrap();
    let units = batch.units().iter().enumerate();
    let left = |index| batch.checks(index)[0].verdict.unwrap().remaining;
    units
        .map(|(index, unit)| unit.error.clone().map_or_else(|| Ok(left(index)), Err))
        .collect()
}

#[test]
fn a_key_that_is_no_counter_is_the_error_of_who_uses_it_and_is_left_alone() {
    let redis = Redis::start();
    let store = store(&redis.url());
    let long = "x".repeat(200);
    let same_size = ["y".repeat(32), "y".repeat(40), "y".repeat(49), "y".repeat(66)];
    let texts = ["", "1", "some text", &long].into_iter().chain(same_size.iter().map(String::as_str));
    for text in texts {
        for limit in limits() {
            redis.command(&["FLUSHALL"]);
            redis.command(&["SET", "theirs", text]);
            let units: [&[&[u8]]; 5] = [&[b"a"], &[b"theirs"], &[b"b", b"theirs"], &[b"b"], &[b"a", b"b"]];
            for round in [0, 2] {
                let answers = take_each(&store, &units, &limit);
                let [a, alone, together, b, both] = answers.as_slice() else {
                    panic!("{answers:?}");
                };
                assert_eq!((a, both), (&Ok(9 - round), &Ok(8 - round)), "{text:?} under {limit}");
                assert_eq!(b, &Ok(9 - round), "what fails takes from nobody");
                for error in [alone, together] {
                    let text = format!("{error:?}");
                    assert!(text.contains("theirs") && text.contains("no counter"), "{text}");
                }
            }
            assert_eq!(take_each(&store, &[&[b"c"], &[b"theirs"]], &limit)[0], Ok(9), "in runs");
            let error = wait(take(&store, b"theirs", &limit)).unwrap_err();
            assert!(error.to_string().contains("no counter"), "{error}");
            assert_eq!(redis.command(&["GET", "theirs"]), text);
        }
    }
}
