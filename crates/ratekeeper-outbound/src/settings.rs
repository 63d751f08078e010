//! What all keys of a pacer share.

use std::sync::atomic::{AtomicU64, Ordering};

use ratekeeper_core::{Algorithm, Limit, Micros};

use crate::time::Time;
use crate::{PaceError, PacerConfig};

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) limits: Vec<Limit>,
    pub(crate) config: PacerConfig,
    pub(crate) time: Time,
    random: AtomicU64,
}

impl Settings {
    pub(crate) fn new(limits: Vec<Limit>, mut config: PacerConfig) -> Self {
        // Who is willing to queue for so long, waits no longer.
        let queues = limits.iter().filter(|limit| limit.algorithm() == Algorithm::LeakyQueue);
        let shortest = queues.map(|limit| limit.max_delay().into()).min();
        config.max_wait = config.max_wait.min(shortest.unwrap_or(config.max_wait));
        Self { limits, config, time: Time::new(), random: AtomicU64::new(seed()) }
    }

    /// A random span of up to `most`.
    pub(crate) fn random_up_to(&self, most: Micros) -> Micros {
        let most = most.get();
        // SplitMix64: any thread's next number is as good as another's.
        let mut mixed = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        Micros::new(most.checked_add(1).map_or(mixed, |range| mixed % range))
    }

    /// Refuses what no wait helps.
    pub(crate) fn check_cost(&self, cost: u64) -> Result<(), PaceError> {
        match self.limits.iter().map(Limit::largest_cost).min() {
            Some(most) if cost > most => Err(PaceError::TooCostly { cost, most }),
            _ => Ok(()),
        }
    }
}

/// The edge where processes that start together become different ones.
#[allow(clippy::disallowed_methods)]
fn seed() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness processes jitter alike, which is what they do without jitter.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
