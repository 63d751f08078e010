//! What belongs to one shard of the table, behind its lock: what its slots have no room for, and how full it is.

use std::hash::RandomState;

use hashbrown::HashMap;
use ratekeeper_core::{Stored, Timestamp};
use slab::Slab;

use super::bucket::{SLOTS, Words};
use super::identity::Identity;
use super::table::{BUCKET_BYTES, Position, Table};
use super::words;

/// How many counters one search for an idle one looks at: a constant, so that no insertion pays for the size of the
/// table.
const PROBES: usize = 16;
/// How many slots it passes at most to find them.
const PASSED: usize = 128;

/// A part of the table.
#[derive(Debug, Default)]
pub(super) struct Shard {
    /// Counters in its buckets.
    pub(super) length: usize,
    /// States that a slot has no room for.
    pub(super) aside: Slab<Stored>,
    /// The counters that the keys of a full store share. Apart from the others: no key can name one of them, and they
    /// never make the table of keys grow.
    pub(super) shared: Option<Box<HashMap<SharedKey, Shared, RandomState>>>,
    /// Where the last search for idle counters stopped.
    hand: usize,
}

/// Whose counter a shared one is: of a scope, a limit, and of the keys at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SharedKey {
    pub(super) scope: Identity,
    pub(super) tag: u64,
    pub(super) slot: u64,
}

/// A counter that keys share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) stored: Stored,
    pub(super) idle_at: Timestamp,
}

impl Shard {
    /// The position of an idle counter among the next few, or of the one nearest to idle if `live` ones may go too. What is
    /// in `kept` stays.
    pub(super) fn find_idle(
        &mut self,
        (table, index): (&Table, usize),
        now: Timestamp,
        live: bool,
        kept: &[Position],
    ) -> Option<Position> {
        let slots = table.size(index) * SLOTS;
        let mut nearest: Option<(Timestamp, Position)> = None;
        let mut looked_at = 0;
        for _ in 0..PASSED.min(slots) {
            self.hand = if self.hand + 1 >= slots { 0 } else { self.hand + 1 };
            let Some((position, words)) = table.nth(index, self.hand) else {
                continue;
            };
            looked_at += 1;
            if looked_at > PROBES {
                break;
            }
            if kept.contains(&position) {
                continue;
            }
            let idle_at = self.idle_at(words);
            if idle_at <= now {
                return Some(position);
            }
            if nearest.is_none_or(|(earliest, _)| idle_at < earliest) {
                nearest = Some((idle_at, position));
            }
        }
        nearest.filter(|_| live).map(|(_, position)| position)
    }

    /// The instant from which on a counter is as good as absent; for windows rounded up.
    pub(super) fn idle_at(&self, words: Words) -> Timestamp {
        let aside = || match &self.aside.get(words::place_aside(words)?)?.state {
            ratekeeper_core::State::Entries(entries) => {
                entries.iter().next_back().map(|newest| newest.expiry)
            }
            // A window of large counts does not say when it ends: it stays as long as there is another.
            _ => Some(u64::MAX),
        };
        words::idle_at(words).unwrap_or_else(|| Timestamp::from_micros(aside().unwrap_or(0)))
    }

    /// How many bytes the table grows by if one more counter goes in after `pending` others.
    pub(super) fn growth(&self, size: usize, pending: usize) -> usize {
        let mut before = size;
        while full(before) < self.length + pending {
            before = grown(before);
        }
        if full(before) > self.length + pending {
            return 0;
        }
        (grown(before) - before) * BUCKET_BYTES
    }

    /// Puts a counter into the table, which grows if it must; and says by how many bytes it grew.
    pub(super) fn insert(&mut self, table: &Table, identity: Identity, words: Words) -> usize {
        let index = table.shard_of(identity);
        let before = table.size(index);
        if full(before) <= self.length {
            table.grow(index, grown(before));
        }
        self.length += usize::from(table.insert(identity, words));
        (table.size(index) - before) * BUCKET_BYTES
    }

    /// Writes a shared counter, and says how many bytes that took and freed beside what is on the heap of the counter that was
    /// there. Before the map grows, what is idle in it goes: the shared counters of limits that are no more.
    pub(super) fn insert_shared(
        &mut self,
        key: SharedKey,
        counter: Shared,
        now: Timestamp,
    ) -> (usize, usize) {
        let shared = self.shared.get_or_insert_default();
        let heap_bytes = counter.stored.heap_bytes();
        // Not by an insertion: that would make room for one more first.
        if let Some(there) = shared.get_mut(&key) {
            *there = counter;
            return (heap_bytes, 0);
        }
        let mut freed = shared.allocation_size();
        if shared.len() == shared.capacity() {
            shared.retain(|_, counter| {
                let live = counter.idle_at > now;
                freed += if live { 0 } else { counter.stored.heap_bytes() };
                live
            });
        }
        shared.insert(key, counter);
        (shared.allocation_size() + heap_bytes, freed)
    }
}

/// How many buckets a shard has after it has grown: a quarter more, so that few stand empty.
pub(super) fn grown(size: usize) -> usize {
    size.saturating_add(size / 4).max(size + 2)
}

/// How many counters so many buckets take: three quarters of their slots, beyond which one often has to look in several.
fn full(size: usize) -> usize {
    size * SLOTS * 3 / 4
}

/// How many buckets a shard has at most once it has grown for so many counters.
pub(super) fn full_at(counters: usize) -> usize {
    grown(counters.div_ceil(3).saturating_mul(2))
}
