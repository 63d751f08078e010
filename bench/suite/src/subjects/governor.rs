//! governor: its keyed limiter over `DashMap`, which is what `RateLimiter::keyed` makes, with two hashers.

use std::hash::BuildHasher;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota as Theirs, RateLimiter};

use crate::subject::{Quota, Subject};

pub type Governor<S> = RateLimiter<String, DashMapStateStore<String, S>, DefaultClock>;

/// With another hasher.
pub fn governor<S: BuildHasher + Clone + Default>(quota: Quota) -> Governor<S> {
    let store = DashMapStateStore::with_hasher(S::default());
    RateLimiter::new(theirs(quota), store, DefaultClock::default())
}

pub fn theirs(quota: Quota) -> Theirs {
    let number = |number: u32| NonZeroU32::new(number).expect("not zero");
    match quota {
        Quota::Generous => Theirs::per_second(number(1_000_000)).allow_burst(number(u32::MAX)),
        Quota::Burst(burst) => Theirs::with_period(Duration::from_secs(3600))
            .expect("not zero")
            .allow_burst(number(burst)),
        Quota::Rate(rate) => Theirs::per_second(number(rate)).allow_burst(number(rate / 1000)),
    }
}

impl<S: BuildHasher + Clone + Send + Sync> Subject for Governor<S> {
    fn check(&self, key: &String) -> bool {
        self.check_key(key).is_ok()
    }

    fn take(&self, key: &String, cost: u32) -> bool {
        let cost = NonZeroU32::new(cost).expect("not zero");
        self.check_key_n(key, cost).expect("below the burst").is_ok()
    }
}
