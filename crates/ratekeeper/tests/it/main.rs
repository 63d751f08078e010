//! The facade as a user meets it.

#![allow(clippy::unwrap_used)]

#[cfg(all(feature = "axum", feature = "outbound"))]
mod outbound;

use std::sync::Arc;

use ratekeeper::{Limit, Limiter, ManualClock, MemoryConfig, Micros, Timestamp};

const START: Timestamp = Timestamp::from_micros(1_764_028_800_000_000);

fn frozen(limit: Limit) -> (Limiter, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    (Limiter::with(limit, MemoryConfig::default(), Arc::clone(&clock) as _), clock)
}

/// How many of 64 threads times `each` checks of one key pass.
fn admitted(limiter: &Limiter, each: usize) -> usize {
    std::thread::scope(|scope| {
        let check = || (0..each).filter(|_| limiter.check("one").unwrap().allowed).count();
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(check)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

#[test]
fn sixty_four_threads_on_one_key_admit_exactly_the_limit() {
    let limits = [
        (Limit::token_bucket(100, Micros::HOUR).unwrap().with_burst(700).unwrap(), 700),
        (Limit::leaky_bucket(700, Micros::HOUR).unwrap(), 700),
        (Limit::leaky_queue(1, Micros::SECOND, Micros::from_secs(99)).unwrap(), 100),
        (Limit::fixed_window(700, Micros::HOUR).unwrap(), 700),
        (Limit::sliding_window(700, Micros::HOUR).unwrap(), 700),
        (Limit::sliding_log(700, Micros::HOUR).unwrap(), 700),
        (Limit::concurrency(70, Micros::HOUR).unwrap(), 70),
    ];
    for (limit, most) in limits {
        let (limiter, _) = frozen(limit);
        assert_eq!(admitted(&limiter, 50), most, "{}", limiter.limit());
    }
}

#[test]
fn permits_are_given_back_when_they_are_dropped_and_only_once() {
    let (limiter, clock) = frozen(Limit::concurrency(2, Micros::MINUTE).unwrap());
    let first = limiter.acquire("alice").unwrap().unwrap();
    let second = limiter.acquire("alice").unwrap().unwrap();
    assert_eq!(second.verdict().remaining, 0);
    let refused = limiter.acquire("alice").unwrap().unwrap_err();
    assert_eq!(refused.retry_after, Some(Micros::MINUTE));
    drop(first);
    assert_eq!(limiter.peek("alice", 1).unwrap().remaining, 1);
    // A permit that outlives its ttl frees nothing that somebody else has taken since.
    clock.advance(Micros::MINUTE);
    let _third = limiter.acquire("alice").unwrap().unwrap();
    let _fourth = limiter.acquire("alice").unwrap().unwrap();
    drop(second);
    assert!(limiter.acquire("alice").unwrap().is_err());
}

#[test]
fn a_key_that_is_too_long_is_an_error_and_a_reset_forgets() {
    let (limiter, _) = frozen(Limit::token_bucket(1, Micros::HOUR).unwrap());
    assert!(limiter.check("x".repeat(250)).unwrap().allowed);
    let error = limiter.check("x".repeat(251)).unwrap_err().to_string();
    assert!(error.contains("251") && error.contains("250"), "{error}");
    assert!(limiter.check_n("alice", 2).unwrap().retry_after.is_none(), "two of one can never pass");
    assert!(limiter.check("alice").unwrap().allowed);
    assert!(!limiter.check("alice").unwrap().allowed);
    limiter.reset("alice").unwrap();
    assert!(limiter.check("alice").unwrap().allowed);
    assert_eq!(limiter.stats().keys, 2);
}

#[test]
fn a_permit_of_a_full_limiter_goes_back_where_it_came_from() {
    let clock = Arc::new(ManualClock::new(START));
    let config = MemoryConfig { max_keys: 1, ..MemoryConfig::default() };
    let limiter = Limiter::with(Limit::concurrency(1, Micros::HOUR).unwrap(), config, clock);
    let _first = limiter.acquire("first").unwrap().unwrap();
    for _ in 0..3 {
        drop(limiter.acquire("second").unwrap().unwrap());
    }
    assert_eq!(limiter.stats().shared, 3);
}

#[test]
fn a_permit_of_a_bucket_gives_nothing_back() {
    let (limiter, _) = frozen(Limit::token_bucket(1, Micros::HOUR).unwrap());
    drop(limiter.acquire("alice").unwrap().unwrap());
    assert!(limiter.acquire("alice").unwrap().is_err());
}
