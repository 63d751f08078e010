//! Ratekeeper: a token bucket on the system's clock, on the memory store.

use std::sync::Arc;

use ratekeeper::{Limit, Limiter, MemoryConfig, Micros, SystemClock};

use crate::subject::{Quota, Subject};

impl Subject for Limiter {
    fn check(&self, key: &String) -> bool {
        Self::check(self, key).expect("the key is short").allowed
    }

    fn take(&self, key: &String, cost: u32) -> bool {
        self.check_n(key, cost.into()).expect("the key is short").allowed
    }
}

pub fn bucket(quota: Quota) -> Limit {
    let (count, window, burst) = match quota {
        Quota::Generous => (1_000_000, Micros::SECOND, u32::MAX),
        Quota::Burst(burst) => (1, Micros::HOUR, burst),
        Quota::Rate(rate) => (rate.into(), Micros::SECOND, rate / 1000),
    };
    let limit = Limit::token_bucket(count, window).expect("a bucket");
    limit.with_burst(burst.into()).expect("a burst")
}

/// As its users make it.
pub fn limiter(quota: Quota) -> Limiter {
    Limiter::new(bucket(quota))
}

/// For another number of keys than a million.
pub fn limiter_of(limit: Limit, max_keys: usize) -> Limiter {
    let config = MemoryConfig { max_keys, max_bytes: 8 << 30, ..MemoryConfig::default() };
    Limiter::with(limit, config, Arc::new(SystemClock::new()))
}
