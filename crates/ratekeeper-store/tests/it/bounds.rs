//! The store in memory stays within its bounds, and forgets nobody who is not idle.

use std::sync::Arc;

use ratekeeper_core::{Algorithm, Ask, Calendar, Holder, Key, Limit, Micros, Op, Period, Timestamp};
use ratekeeper_store::{
    Batch, Check, ManualClock, MemoryConfig, MemoryStats, MemoryStore, Overflow, Store, StoreError,
};

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

pub(crate) struct Bounded {
    pub(crate) store: MemoryStore,
    pub(crate) clock: Arc<ManualClock>,
    config: MemoryConfig,
}

impl Bounded {
    pub(crate) fn new(config: MemoryConfig) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        Self { store: MemoryStore::with_clock(config, clock.clone()), clock, config }
    }

    /// Applies one check; whether it passed, and whether the answer was the key's own.
    pub(crate) fn apply(&self, op: Op, check: Check<'_>, holder: u128) -> Result<Check<'static>, StoreError> {
        let mut batch = Batch::new();
        batch.push_by(op, Holder::new(holder), [check]);
        self.store.apply(&mut batch).ready().expect("memory answers at once")?;
        let check = &batch.checks(0)[0];
        let mut answer = Check::new(Key::default(), EMPTY.get_or_init(empty), check.cost);
        (answer.verdict, answer.degraded) = (check.verdict, check.degraded);
        Ok(answer)
    }

    pub(crate) fn take(&self, name: &str, limit: &Limit, cost: u64) -> Check<'static> {
        self.apply(Op::Take, Check::new(key(name), limit, cost), 0).unwrap()
    }

    fn remaining(&self, name: &str, limit: &Limit) -> u64 {
        let peek = self.apply(Op::Peek, Check::new(key(name), limit, 0), u128::MAX).unwrap();
        peek.verdict.unwrap().remaining
    }

    pub(crate) fn stats(&self) -> MemoryStats {
        let stats = self.store.stats();
        assert!(stats.keys <= self.config.max_keys, "{stats:?}");
        if self.config.overflow != Overflow::Share {
            assert!(stats.bytes <= self.config.max_bytes, "{stats:?}");
        }
        stats
    }
}

static EMPTY: std::sync::OnceLock<Limit> = std::sync::OnceLock::new();

fn empty() -> Limit {
    Limit::fixed_window(1, Micros::SECOND).unwrap()
}

pub(crate) fn key(name: &str) -> Key<'_> {
    Key::new(name.as_bytes()).unwrap()
}

/// Ten million in a release build; the other builds do with less.
const FLOOD: u64 = if cfg!(debug_assertions) {
    2_000_000
} else {
    10_000_000
};

#[test]
fn a_flood_of_keys_neither_passes_the_bounds_nor_frees_anybody() {
    let max_keys = usize::try_from(FLOOD / 10).unwrap();
    let bounded = Bounded::new(MemoryConfig { max_keys, ..MemoryConfig::default() });
    let limit = Limit::token_bucket(5, Micros::HOUR).unwrap();
    let take = |number: u64, cost| {
        bounded
            .store
            .ask_now(Key::new(&number.to_le_bytes()).unwrap(), &limit, &Ask::new(Op::Take, cost))
            .unwrap()
    };
    for number in 0..1000 {
        assert_eq!(take(number, 5).remaining, 0);
    }
    for number in 1000..FLOOD {
        take(number, 1);
        if number.is_multiple_of(FLOOD / 16) {
            bounded.stats();
        }
    }
    let stats = bounded.stats();
    assert_eq!((stats.keys, stats.evicted_idle, stats.evicted_live), (max_keys, 0, 0));
    assert_eq!(stats.shared, FLOOD - FLOOD / 10);
    assert!(
        stats.bytes <= MemoryConfig::default().max_bytes && stats.bytes >= max_keys * 32,
        "{stats:?}"
    );
    for number in 0..1000 {
        assert!(!take(number, 1).allowed, "{number} has been forgiven");
    }
}

#[test]
fn idle_keys_make_way_and_nobody_is_degraded() {
    let day = Limit::calendar_window(3, Calendar::new(Period::Day, "UTC").unwrap()).unwrap();
    let limits = [
        Limit::token_bucket(3, Micros::SECOND).unwrap(),
        Limit::fixed_window(3, Micros::SECOND).unwrap(),
        Limit::sliding_window(3, Micros::SECOND).unwrap(),
        Limit::sliding_log(3, Micros::SECOND).unwrap(),
        Limit::concurrency(3, Micros::SECOND).unwrap(),
        day,
    ];
    for limit in limits {
        let bounded = Bounded::new(MemoryConfig { max_keys: 1000, ..MemoryConfig::default() });
        for generation in 0..40 {
            // The search for who is idle looks at few: it finds one where most are.
            for number in 0..250 {
                let taken = bounded.take(&format!("{generation}/{number}"), &limit, 3);
                assert!(taken.verdict.unwrap().allowed && !taken.degraded, "{limit}");
            }
            let stats = bounded.stats();
            assert_eq!(stats.evicted_idle, (generation * 250_u64).saturating_sub(750), "{limit}");
            bounded.clock.advance(if limit.calendar().is_some() {
                Micros::DAY
            } else {
                Micros::from_secs(3)
            });
        }
        let stats = bounded.stats();
        assert_eq!((stats.shared, stats.refused, stats.evicted_live), (0, 0, 0), "{limit}");
    }
}

/// Keys come and go for long at the bound of memory: it is no more in the end than it was at first.
#[test]
fn coming_and_going_at_the_bound_takes_no_more_memory() {
    let config = MemoryConfig { max_keys: 20_000, max_bytes: 1 << 20, overflow: Overflow::Deny };
    for name in ["short", &"long ".repeat(40)] {
        let bounded = Bounded::new(config);
        let limit = Limit::token_bucket(1, Micros::SECOND).unwrap();
        let mut fitted = 0;
        while !bounded.take(&format!("{name} first {fitted}"), &limit, 1).degraded {
            fitted += 1;
            bounded.stats();
        }
        assert!(fitted > 1000, "{fitted} keys in a megabyte");
        bounded.clock.advance(Micros::SECOND);
        // A quarter in each second of what fits at once: they always do, whatever has been there before.
        for number in 0..fitted * 10 {
            let taken = bounded.take(&format!("{name} later {number}"), &limit, 1);
            assert!(!taken.degraded, "{number} of {name}: {:?}", bounded.stats());
            bounded.stats();
            if number % (fitted / 4) == 0 {
                bounded.clock.advance(Micros::SECOND);
            }
        }
    }
}

#[test]
fn logs_do_not_outgrow_the_memory_and_lose_nothing() {
    let config = MemoryConfig { max_bytes: 200_000, ..MemoryConfig::default() };
    let bounded = Bounded::new(config);
    let limit = Limit::sliding_log(10_000, Micros::HOUR).unwrap();
    let mut taken = [0; 4];
    let mut full = 0;
    for round in 0..8000 {
        bounded.clock.advance(Micros::new(1));
        let name = format!("log {}", round % 4);
        match bounded.apply(Op::Take, Check::new(key(&name), &limit, 1), 0) {
            Ok(check) if check.degraded => panic!("there is room for four keys"),
            Ok(_) => taken[round % 4] += 1,
            Err(error) => {
                assert!(matches!(error, StoreError::Full { bytes, .. } if bytes <= 200_000), "{error}");
                assert!(error.is_retryable());
                full += 1;
            }
        }
        assert!(bounded.store.stats().bytes <= 200_000);
    }
    assert!(full > 0 && taken.iter().all(|taken| *taken > 100), "{taken:?}, {full} times full");
    for (number, taken) in taken.into_iter().enumerate() {
        let name = format!("log {number}");
        assert_eq!(
            bounded.remaining(&name, &limit),
            10_000 - taken,
            "looking needs no memory, nothing is lost"
        );
    }
    // What has expired makes room for what comes.
    bounded.clock.advance(Micros::HOUR);
    for number in 0..4 {
        assert!(bounded.take(&format!("log {number}"), &limit, 1).verdict.unwrap().allowed);
    }
}

#[test]
fn holders_release_also_when_memory_is_full() {
    let config = MemoryConfig { max_bytes: 100_000, overflow: Overflow::Deny, ..MemoryConfig::default() };
    let bounded = Bounded::new(config);
    let limit = Limit::concurrency(100_000, Micros::HOUR).unwrap();
    let check = || Check::new(key("held"), &limit, 1);
    let tokens: Vec<_> = (0..)
        .map_while(|holder| bounded.apply(Op::Take, check(), holder).ok())
        .map(|check| check.verdict.unwrap().token.unwrap())
        .collect();
    assert!(tokens.len() > 500, "{}", tokens.len());
    bounded.stats();
    let held = u64::try_from(tokens.len()).unwrap();
    assert!(bounded.apply(Op::Take, check(), 3).unwrap().verdict.unwrap().allowed, "who holds renews");
    assert_eq!(bounded.remaining("held", &limit), 100_000 - held);
    for token in &tokens {
        bounded.apply(Op::Refund, check().with_token(*token), 0).unwrap();
    }
    assert_eq!(bounded.remaining("held", &limit), 100_000);
    assert!(bounded.apply(Op::Take, check(), 9_999_999).is_ok());
}

/// A log that refuses needs no memory to say so.
#[test]
fn a_refusal_is_a_refusal_also_when_memory_is_full() {
    let config = MemoryConfig { max_bytes: 30_000, overflow: Overflow::Deny, ..MemoryConfig::default() };
    let bounded = Bounded::new(config);
    let small = Limit::sliding_log(4, Micros::HOUR).unwrap();
    for _ in 0..4 {
        bounded.clock.advance(Micros::new(1));
        bounded.take("refused", &small, 1);
    }
    let large = Limit::sliding_log(10_000, Micros::HOUR).unwrap();
    let fills = |_: &u64| {
        bounded.clock.advance(Micros::new(1));
        bounded.apply(Op::Take, Check::new(key("fills"), &large, 1), 0).is_ok()
    };
    assert!((0..10_000_u64).take_while(fills).count() < 10_000);
    bounded.clock.advance(Micros::new(1));
    let refused = bounded.take("refused", &small, 1).verdict.unwrap();
    assert!(!refused.allowed);
}

/// Whatever has been asked of it, an empty store holds no keys and no more bytes than its empty tables.
#[test]
fn the_books_come_out_even() {
    let bounded = Bounded::new(MemoryConfig::default());
    let of = |algorithm, count| match algorithm {
        Algorithm::TokenBucket => Limit::token_bucket(count, Micros::HOUR),
        Algorithm::FixedWindow => Limit::fixed_window(count, Micros::HOUR),
        Algorithm::SlidingLog => Limit::sliding_log(count, Micros::HOUR),
        _ => Limit::concurrency(count, Micros::HOUR),
    };
    let algorithms = [
        Algorithm::TokenBucket,
        Algorithm::FixedWindow,
        Algorithm::SlidingLog,
        Algorithm::Concurrency,
    ];
    let limits: Vec<_> = algorithms
        .iter()
        .flat_map(|algorithm| [20, 30].map(|count| of(*algorithm, count).unwrap()))
        .collect();
    let names: Vec<_> = (0..50).map(|number| format!("{}/{number}", "k".repeat(number * 4))).collect();
    let mut empty = None;
    for round in 0..6_usize {
        for step in 0..40_usize {
            bounded.clock.advance(Micros::new(1));
            for (number, name) in names.iter().enumerate() {
                // The same key under every algorithm, one after the other, in one and in several checks.
                let limit = &limits[(number + step * (round + 1)) % limits.len()];
                let op = [Op::Take, Op::Take, Op::TakeUpTo, Op::Peek][(number + step) % 4];
                let other = &names[(number + 1) % names.len()];
                let mut batch = Batch::new();
                let checks = [Check::new(key(name), limit, 1), Check::new(key(other), limit, 40)];
                let number_of_checks = 1 + (step + number) % 2;
                let holder = Holder::new((step * 64 + number) as u128);
                batch.push_by(op, holder, checks.into_iter().take(number_of_checks));
                bounded.store.apply(&mut batch).ready().unwrap().unwrap();
            }
        }
        assert_eq!(bounded.stats().keys, names.len());
        for name in &names {
            bounded
                .apply(Op::Reset, Check::new(key(name), &limits[round % limits.len()], 0), 0)
                .unwrap();
        }
        let stats = bounded.stats();
        assert_eq!(stats.keys, 0);
        assert_eq!(stats.bytes, *empty.get_or_insert(stats.bytes), "round {round}");
    }
    assert!(empty.is_some_and(|bytes| bytes < 64 * 1024), "{empty:?}");
}
