//! How many calls there were of late, and how many of them failed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ratekeeper_core::Micros;

/// Counts over a sliding window, cut into periods: so much memory and no more, and no lock.
#[derive(Debug)]
pub(super) struct Window {
    /// Microseconds.
    period: u64,
    /// A period each: its number, calls, failures. The newest takes the place of the oldest.
    counts: [AtomicU64; PERIODS],
}

const PERIODS: usize = 8;
/// Calls and failures have so many bits each, and stop at their ends; the number of the period has the rest.
const BITS: u32 = 20;
const MOST: u64 = (1 << BITS) - 1;
const NUMBERS: u64 = u64::MAX >> (2 * BITS);

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let period = (Micros::from(length).get() / PERIODS as u64).max(1);
        Self { period, counts: Default::default() }
    }

    /// Counts a call.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn record(&self, now: u64, failed: bool) {
        let number = (now / self.period) & NUMBERS;
        let counted = |packed: u64| {
            let (of, calls, failures) = unpack(packed);
            let (calls, failures) = if of == number { (calls, failures) } else { (0, 0) };
            let failures = failures + u64::from(failed);
            Some(number << (2 * BITS) | (calls + 1).min(MOST) << BITS | failures.min(MOST))
        };
        let _ = self.counts[number as usize % PERIODS].fetch_update(Relaxed, Relaxed, counted);
    }

    /// How many calls there were of late, and how many of them failed.
    pub(super) fn sum(&self, now: u64) -> (u64, u64) {
        let number = (now / self.period) & NUMBERS;
        let recent = self.counts.iter().map(|packed| unpack(packed.load(Relaxed)));
        let recent = recent.filter(|(of, _, _)| number.wrapping_sub(*of) & NUMBERS < PERIODS as u64);
        recent.fold((0, 0), |sum, (_, calls, failures)| (sum.0 + calls, sum.1 + failures))
    }

    pub(super) fn clear(&self) {
        self.counts.iter().for_each(|packed| packed.store(0, Relaxed));
    }
}

fn unpack(packed: u64) -> (u64, u64, u64) {
    (packed >> (2 * BITS), packed >> BITS & MOST, packed & MOST)
}
