//! The embedded limiter: every algorithm, one hot key that is admitted or denied; new keys, and many.

use std::hint::black_box;

use ratekeeper::{Calendar, Limit, LimitError, Limiter, MemoryConfig, Micros, Period};

use crate::case::{Case, Operation};
use crate::clock::{clock, tick};

const KEY: &str = "user:000000001";
/// Some windows end while operations are counted.
const WINDOW: Micros = Micros::new(100);
/// Twice what is asked for.
const GENEROUS: u64 = 200;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("limiter/token_bucket/allowed", || allowed(Limit::token_bucket(GENEROUS, WINDOW))),
        Case::new("limiter/token_bucket/denied", || denied(Limit::token_bucket(1, Micros::HOUR))),
        Case::new("limiter/leaky_bucket/allowed", || allowed(Limit::leaky_bucket(GENEROUS, WINDOW))),
        Case::new("limiter/leaky_bucket/denied", || denied(Limit::leaky_bucket(1, Micros::HOUR))),
        Case::new("limiter/leaky_queue/allowed", || allowed(Limit::leaky_queue(GENEROUS, WINDOW, WINDOW))),
        Case::new("limiter/leaky_queue/denied", || denied(Limit::leaky_queue(1, Micros::HOUR, WINDOW))),
        Case::new("limiter/fixed_window/allowed", || allowed(Limit::fixed_window(GENEROUS, WINDOW))),
        Case::new("limiter/fixed_window/denied", || denied(Limit::fixed_window(1, Micros::HOUR))),
        Case::new("limiter/calendar_window/allowed", || allowed(calendar(1 << 40))),
        Case::new("limiter/calendar_window/denied", || denied(calendar(1))),
        Case::new("limiter/sliding_window/allowed", || allowed(Limit::sliding_window(GENEROUS, WINDOW))),
        Case::new("limiter/sliding_window/denied", || denied(Limit::sliding_window(1, Micros::HOUR))),
        Case::new("limiter/sliding_log/allowed", || allowed(Limit::sliding_log(GENEROUS, WINDOW))),
        Case::new("limiter/sliding_log/denied", || denied(Limit::sliding_log(1, Micros::HOUR))),
        Case::new("limiter/concurrency/taken_and_given_back", slots),
        Case::new("limiter/cost_of_7", costing),
        Case::many("limiter/new_keys", new_keys),
        Case::many("limiter/100000_keys", many_keys),
    ]
}

fn calendar(count: u64) -> Result<Limit, LimitError> {
    Limit::calendar_window(count, Calendar::new(Period::Day, "Europe/Berlin")?)
}

fn allowed(limit: Result<Limit, LimitError>) -> Operation {
    let clock = clock();
    let limiter = Limiter::with(limit.expect("a limit"), MemoryConfig::default(), clock.clone());
    Box::new(move || {
        tick(&clock);
        assert!(check(&limiter, KEY));
    })
}

fn denied(limit: Result<Limit, LimitError>) -> Operation {
    let clock = clock();
    let limiter = Limiter::with(limit.expect("a limit"), MemoryConfig::default(), clock.clone());
    assert!(check(&limiter, KEY));
    Box::new(move || {
        tick(&clock);
        assert!(!check(&limiter, KEY));
    })
}

fn check(limiter: &Limiter, key: &str) -> bool {
    limiter.check(black_box(key)).expect("a short key").allowed
}

fn slots() -> Operation {
    let clock = clock();
    let limit = Limit::concurrency(GENEROUS, WINDOW).expect("a limit");
    let limiter = Limiter::with(limit, MemoryConfig::default(), clock.clone());
    Box::new(move || {
        tick(&clock);
        assert!(limiter.acquire(black_box(KEY)).expect("a short key").is_ok());
    })
}

fn costing() -> Operation {
    let clock = clock();
    let limit = Limit::token_bucket(7 * GENEROUS, WINDOW).expect("a limit");
    let limiter = Limiter::with(limit, MemoryConfig::default(), clock.clone());
    Box::new(move || {
        tick(&clock);
        assert!(limiter.check_n(black_box(KEY), black_box(7)).expect("a short key").allowed);
    })
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user:{number:09}")).collect()
}

/// Every operation is a key that was not there before.
fn new_keys() -> Operation {
    let limit = Limit::token_bucket(GENEROUS, WINDOW).expect("a limit");
    let limiter = Limiter::with(limit, MemoryConfig::default(), clock());
    let mut keys = keys(40_000).into_iter();
    Box::new(move || {
        let key = keys.next().expect("one for each operation");
        assert!(check(&limiter, &key));
        // To free a key is not the limiter's work.
        std::mem::forget(key);
    })
}

/// Known keys, in an order in which no two neighbours follow each other.
fn many_keys() -> Operation {
    const KEYS: usize = 100_000;
    let clock = clock();
    let limit = Limit::token_bucket(GENEROUS, WINDOW).expect("a limit");
    let limiter = Limiter::with(limit, MemoryConfig::default(), clock.clone());
    let keys = keys(KEYS);
    keys.iter().for_each(|key| assert!(check(&limiter, key)));
    let mut at = 0;
    Box::new(move || {
        tick(&clock);
        at = (at + 61_803) % KEYS;
        assert!(check(&limiter, &keys[at]));
    })
}
