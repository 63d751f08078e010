//! What the table probably has of some counters: what this process saw of them last.

use std::sync::{Mutex, PoisonError};

use ratekeeper_core::State;

use crate::item::Found;

/// So many counters are remembered at most, in about 2 MB.
const SLOTS: usize = 16_384;

/// States by the hash of their key, each in the one place that it may have; the later one stays. A wrong guess costs a
/// second trip and nothing else, since every write has a condition.
pub(crate) struct Guesses(Box<[Slot]>);

type Slot = Mutex<Option<(u64, Found)>>;

impl Guesses {
    pub(crate) fn new() -> Self {
        Self((0..SLOTS).map(|_| Mutex::default()).collect())
    }

    pub(crate) fn get(&self, hash: u64) -> Option<Found> {
        let slot = self.slot(hash).lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().filter(|(of, _)| *of == hash).map(|(_, found)| found.clone())
    }

    /// Remembers what the table has; logs and holders are too large.
    pub(crate) fn set(&self, hash: u64, found: Option<Found>) {
        let found = found.filter(|found| !matches!(found.stored.state, State::Entries(_)));
        let mut slot = self.slot(hash).lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_some() || slot.as_ref().is_some_and(|(of, _)| *of == hash) {
            *slot = found.map(|found| (hash, found));
        }
    }

    fn slot(&self, hash: u64) -> &Slot {
        // Fewer than 2^32 slots, and the upper half of the hash.
        let place = usize::try_from(hash >> 32).unwrap_or_default() % self.0.len();
        &self.0[place]
    }
}
