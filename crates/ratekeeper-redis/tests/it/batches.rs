//! Batches in which one key is asked for many times.

use ratekeeper_core::{Key, Limit, Micros, Op, Timestamp};
use ratekeeper_store::{Batch, Check, MemoryStore, Store as _};
use testservers::Redis;

use crate::support::{store, wait};

/// The batch that this many takes of these keys are, in turn.
fn batch<'b>(keys: &'b [String], limits: &'b [Limit], takes: usize, cost: u64) -> Batch<'b> {
    let mut batch = Batch::new();
    for take in 0..takes {
        let place = take % keys.len();
        let key = Key::new(keys[place].as_bytes()).unwrap();
        batch.push(Op::Take, [Check::new(key, &limits[place % limits.len()], cost)]);
    }
    batch
}

fn limits() -> [Limit; 5] {
    [
        Limit::token_bucket(7, Micros::new(3001)).unwrap(),
        Limit::leaky_queue(5, Micros::new(2003), Micros::new(4000)).unwrap(),
        Limit::fixed_window(9, Micros::new(5000)).unwrap(),
        Limit::sliding_window(11, Micros::new(4000)).unwrap(),
        Limit::sliding_log(6, Micros::new(4000)).unwrap(),
    ]
}

#[test]
fn takes_of_one_key_are_decided_one_after_the_other() {
    let (redis, memory, limits) = (Redis::start(), MemoryStore::default(), limits());
    let store = store(&redis.url());
    let keys: Vec<String> = (0..10).map(|number| format!("key {number}")).collect();
    for step in 0..200_u64 {
        let now = Timestamp::from_micros(1_700_000_000_000_000 + step * 733);
        let takes = 10 + usize::try_from(step * 13 % 50).unwrap();
        let ask = || batch(&keys, &limits, takes, step % 4).at(now);
        let (mut asked, mut model) = (ask(), ask());
        wait(store.apply(&mut asked).wait()).unwrap();
        memory.apply(&mut model).ready().unwrap().unwrap();
        for unit in 0..takes {
            assert_eq!(
                asked.checks(unit)[0].verdict,
                model.checks(unit)[0].verdict,
                "step {step}, take {unit}"
            );
        }
    }
}

#[test]
fn a_change_leaves_the_expiry_as_it_is_while_that_is_right() {
    let redis = Redis::start();
    let store = store(&redis.url());
    let limits = [
        Limit::token_bucket(1000, Micros::HOUR).unwrap(),
        Limit::fixed_window(1000, Micros::HOUR).unwrap(),
        Limit::sliding_window(1000, Micros::DAY).unwrap(),
    ];
    let keys: Vec<String> = (0..3).map(|number| format!("key {number}")).collect();
    let lives = |key: &str| redis.command(&["PTTL", key]).parse::<u64>().unwrap();
    // How long a state counts that has been written so often, at least, and how much longer it may be kept.
    let (hour, minute) = (3_600_000, 60_000);
    for taken in 1..=40 {
        wait(store.apply(&mut batch(&keys, &limits, 3, 10)).wait()).unwrap();
        let counts = (taken * 10 * hour / 1000_u64).saturating_sub(PASSING);
        let kept = lives(&keys[0]);
        assert!(
            (counts + minute..=counts + minute + hour / 16 + PASSING + 10).contains(&kept),
            "{kept} after {taken}"
        );
        assert!(lives(&keys[1]) <= hour + minute + 2 && lives(&keys[2]) <= 48 * hour + minute + 2);
    }
    assert!(lives(&keys[1]) + PASSING >= minute && lives(&keys[2]) + PASSING >= 24 * hour + minute);
    assert!(redis.calls("setrange") > 100, "{} of 120 writes", redis.calls("setrange"));
}

/// Milliseconds that a test may take.
const PASSING: u64 = 20_000;
