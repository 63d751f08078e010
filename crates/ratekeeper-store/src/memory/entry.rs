//! One counter in the table: its key and state, in one cache line.

use ratekeeper_core::{Limit, State, Stored, Timestamp};

/// Keys up to this length stand in the entry itself; longer ones on the heap.
const INLINE: usize = 18;

/// A counter. As long as a cache line and aligned to one, so that a look-up touches one line of the table's control
/// bytes and one of entries.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Entry {
    key: EntryKey,
    pub(super) stored: Stored,
}

/// The key, and beside it (where there is room) the second from which on a window counts nothing: a store finds idle
/// counters without knowing their limits.
#[derive(Debug)]
enum EntryKey {
    Inline {
        length: u8,
        bytes: [u8; INLINE],
        idle_second: u32,
    },
    Heap {
        bytes: Box<[u8]>,
        idle_second: u32,
    },
}

impl Entry {
    pub(super) fn new(key: &[u8], stored: Stored) -> Self {
        let key = match u8::try_from(key.len()) {
            Ok(length) if key.len() <= INLINE => {
                let mut bytes = [0; INLINE];
                bytes[..key.len()].copy_from_slice(key);
                EntryKey::Inline { length, bytes, idle_second: 0 }
            }
            _ => EntryKey::Heap { bytes: key.into(), idle_second: 0 },
        };
        Self { key, stored }
    }

    /// A counter that was written down elsewhere, with the instant from which it is idle.
    pub(super) fn restored(key: &[u8], stored: Stored, idle_at: Timestamp) -> Self {
        let mut entry = Self::new(key, stored);
        entry.set_idle(idle_at);
        entry
    }

    #[inline]
    pub(super) fn key(&self) -> &[u8] {
        match &self.key {
            EntryKey::Inline { length, bytes, .. } => &bytes[..usize::from(*length).min(INLINE)],
            EntryKey::Heap { bytes, .. } => bytes,
        }
    }

    /// Notes when the state, just written under `limit`, will be idle.
    #[inline]
    pub(super) fn note_idle(&mut self, limit: &Limit) {
        if matches!(self.stored.state, State::Window(_)) {
            self.set_idle(self.stored.idle_at(limit));
        }
    }

    #[inline]
    fn set_idle(&mut self, at: Timestamp) {
        let second = at.as_micros().div_ceil(1_000_000);
        let (EntryKey::Inline { idle_second, .. } | EntryKey::Heap { idle_second, .. }) = &mut self.key;
        *idle_second = u32::try_from(second).unwrap_or(u32::MAX);
    }

    /// The instant from which on this counter is as good as absent; for windows rounded up to a second.
    pub(super) fn idle_at(&self) -> Timestamp {
        let (EntryKey::Inline { idle_second, .. } | EntryKey::Heap { idle_second, .. }) = &self.key;
        Timestamp::from_micros(match &self.stored.state {
            State::Gcra(gcra) => gcra.at.saturating_add(u64::from(gcra.rest > 0)),
            State::Window(_) => u64::from(*idle_second) * 1_000_000,
            State::Entries(entries) => entries.iter().next_back().map_or(0, |newest| newest.expiry),
        })
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let key = match &self.key {
            EntryKey::Inline { .. } => 0,
            EntryKey::Heap { bytes, .. } => bytes.len(),
        };
        key + self.stored.heap_bytes()
    }

    /// Bytes on the heap that a counter will have once it has been written for the first time, at most.
    pub(super) fn first_heap_bytes(key: &[u8], absent: &Stored) -> usize {
        let key = if key.len() <= INLINE { 0 } else { key.len() };
        let list = if absent.must_grow() {
            list_growth(absent)
        } else {
            0
        };
        key + absent.heap_bytes() + list
    }
}

/// How many bytes one more admission adds to a log or a list of holders, at most: they grow by doubling, and begin with
/// four.
pub(super) fn list_growth(stored: &Stored) -> usize {
    match stored.state {
        State::Entries(_) => stored.heap_bytes().max(4 * size_of::<ratekeeper_core::Entry>()),
        // Under a changed limit it becomes a list.
        State::Gcra(_) | State::Window(_) => {
            size_of::<ratekeeper_core::Entries>() + 4 * size_of::<ratekeeper_core::Entry>()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_cache_line() {
        assert_eq!(size_of::<Entry>(), 64);
        assert_eq!(align_of::<Entry>(), 64);
    }

    #[test]
    fn keys_of_every_length_come_back() {
        let limit = Limit::token_bucket(1, ratekeeper_core::Micros::SECOND).unwrap();
        for length in 0..=250 {
            let key = vec![b'k'; length];
            assert_eq!(Entry::new(&key, Stored::absent(&limit)).key(), key);
        }
    }
}
