//! throttlecrab: the library with the store that its documentation calls the default, behind a lock, since it wants `&mut`.

use std::sync::Mutex;
use std::time::SystemTime;

use throttlecrab::{PeriodicStore, RateLimiter};

use crate::subject::{Quota, Subject};

pub struct Throttlecrab {
    limiter: Mutex<RateLimiter<PeriodicStore>>,
    burst: i64,
    count: i64,
    period: i64,
}

impl Throttlecrab {
    /// With room for the keys from the beginning, as its documentation recommends.
    pub fn new(quota: Quota, keys: usize) -> Self {
        let limiter = Mutex::new(RateLimiter::new(PeriodicStore::with_capacity(keys)));
        let (burst, count, period) = match quota {
            Quota::Generous => (u32::MAX, 1_000_000, 1),
            Quota::Burst(burst) => (burst, 1, 3600),
            Quota::Rate(rate) => (rate / 1000, rate, 1),
        };
        Self { limiter, burst: burst.into(), count: count.into(), period }
    }
}

impl Subject for Throttlecrab {
    fn check(&self, key: &String) -> bool {
        self.take(key, 1)
    }

    fn take(&self, key: &String, cost: u32) -> bool {
        let now = SystemTime::now();
        let mut limiter = self.limiter.lock().expect("nobody panics");
        limiter
            .rate_limit(key, self.burst, self.count, self.period, cost.into(), now)
            .expect("valid")
            .0
    }
}
