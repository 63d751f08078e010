//! Floors: the least that a check can do, each with one more thing that a limiter must have.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::subject::{Quota, Subject};

/// Nothing but reading a byte of the key, as all others do before they begin.
pub struct Nothing;

impl Subject for Nothing {
    fn check(&self, key: &String) -> bool {
        std::hint::black_box(key.as_bytes()[0]) != 0
    }

    fn take(&self, key: &String, _: u32) -> bool {
        self.check(key)
    }
}

/// One counter for all keys, without time.
pub struct Counter {
    count: AtomicU64,
    most: u64,
}

impl Counter {
    pub fn new(quota: Quota) -> Self {
        let most = match quota {
            Quota::Generous => u64::MAX,
            Quota::Burst(most) | Quota::Rate(most) => most.into(),
        };
        Self { count: AtomicU64::new(0), most }
    }
}

impl Subject for Counter {
    fn check(&self, key: &String) -> bool {
        self.take(key, 1)
    }

    fn take(&self, _: &String, cost: u32) -> bool {
        let add = |count: u64| count.checked_add(cost.into()).filter(|count| *count <= self.most);
        self.count.fetch_update(Relaxed, Relaxed, add).is_ok()
    }
}

/// Time that passes for a unit, and how far ahead of now a key may be; in nanoseconds of the processor's counter.
struct Gcra {
    clock: quanta::Clock,
    start: u64,
    unit: u64,
    ahead: u64,
}

impl Gcra {
    fn new(quota: Quota) -> Self {
        const HOUR: u64 = 3_600_000_000_000;
        let (unit, burst) = match quota {
            Quota::Generous => (1_000, u64::from(u32::MAX)),
            Quota::Burst(burst) => (HOUR, burst.into()),
            Quota::Rate(rate) => (1_000_000_000 / u64::from(rate), u64::from(rate / 1000)),
        };
        let clock = quanta::Clock::new();
        Self { start: clock.raw(), clock, unit, ahead: unit * burst }
    }

    fn take(&self, state: &AtomicU64, cost: u32) -> bool {
        let now = self.clock.delta_as_nanos(self.start, self.clock.raw());
        let step = |at: u64| {
            let next = at.max(now) + self.unit * u64::from(cost);
            (next <= now + self.ahead).then_some(next)
        };
        state.fetch_update(Relaxed, Relaxed, step).is_ok()
    }
}

/// GCRA on one word: one state for all keys, with the processor's own clock.
pub struct Word {
    gcra: Gcra,
    state: AtomicU64,
}

impl Word {
    pub fn new(quota: Quota) -> Self {
        Self { gcra: Gcra::new(quota), state: AtomicU64::new(0) }
    }
}

impl Subject for Word {
    fn check(&self, key: &String) -> bool {
        self.take(key, 1)
    }

    fn take(&self, _: &String, cost: u32) -> bool {
        self.gcra.take(&self.state, cost)
    }
}

/// A table of a fixed size, without locks: 64 bits of the key's hash and one word of state a slot, half of them free. It has
/// no expiry, no way to grow, one algorithm, and takes two keys of the same hash for one.
pub struct Fixed {
    gcra: Gcra,
    hasher: foldhash::fast::FixedState,
    slots: Box<[Slot]>,
}

#[derive(Default)]
struct Slot {
    hash: AtomicU64,
    state: AtomicU64,
}

impl Fixed {
    pub fn new(quota: Quota, keys: usize) -> Self {
        let size = (keys * 2).next_power_of_two().max(16);
        Self {
            gcra: Gcra::new(quota),
            hasher: foldhash::fast::FixedState::with_seed(7),
            slots: (0..size).map(|_| Slot::default()).collect(),
        }
    }

    fn slot(&self, key: &str) -> &Slot {
        let hash = self.hasher.hash_one(key) | 1;
        let mask = self.slots.len() - 1;
        let mut place = (hash >> 32) as usize & mask;
        loop {
            let slot = &self.slots[place];
            match slot.hash.load(Relaxed) {
                found if found == hash => return slot,
                0 => match slot.hash.compare_exchange(0, hash, Relaxed, Relaxed) {
                    Ok(_) => return slot,
                    Err(found) if found == hash => return slot,
                    Err(_) => {}
                },
                _ => {}
            }
            place = (place + 1) & mask;
        }
    }
}

impl Subject for Fixed {
    fn check(&self, key: &String) -> bool {
        self.take(key, 1)
    }

    fn take(&self, key: &String, cost: u32) -> bool {
        self.gcra.take(&self.slot(key).state, cost)
    }
}
