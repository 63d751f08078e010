//! The counters of one unit, behind locked shards.

use std::sync::atomic::Ordering::Relaxed;

use parking_lot::MutexGuard;
use ratekeeper_core::{Op, Stored, Timestamp};
use smallvec::SmallVec;

use super::MemoryStore;
use super::entry::Entry;
use super::shard::Shard;
use crate::unit::Counters;
use crate::{Check, Overflow, StoreError};

/// Where the counter of one check is.
enum Place {
    /// In this bucket.
    Found(usize),
    /// Not in the table yet, which has room for it.
    New(Stored),
    /// Not in the table, and of no use there: there is nothing to give back or to forget.
    Absent(Stored),
    /// Not in the table, which is full, and refused.
    Refused,
}

struct Located {
    guard: usize,
    hash: u64,
    /// Whether this is a shared counter, with this key.
    shared: Option<Vec<u8>>,
    place: Place,
    /// Bytes on the heap before anything was written.
    heap_bytes: usize,
    written: bool,
}

impl Located {
    fn new(guard: usize, hash: u64, place: Place) -> Self {
        Self { guard, hash, shared: None, place, heap_bytes: 0, written: false }
    }

    /// Whether a key of the store's bound is reserved for it.
    fn is_reserved(&self) -> bool {
        self.shared.is_none() && matches!(self.place, Place::New(_))
    }
}

/// The locked shards of a unit, in the order of their index, and its counters.
pub(super) struct Working<'s> {
    guards: SmallVec<[(usize, MutexGuard<'s, Shard>); 2]>,
    counters: SmallVec<[Located; 2]>,
}

impl<'s> Working<'s> {
    /// Locks the shards of every check and finds, or makes room for, every counter.
    pub(super) fn lock(store: &'s MemoryStore, op: Op, checks: &mut [Check<'_>], now: Timestamp) -> Self {
        let hashes: SmallVec<[u64; 2]> = checks.iter().map(|check| store.hash(check.key.bytes())).collect();
        let mut shards: SmallVec<[usize; 2]> = hashes.iter().map(|hash| store.shard_index(*hash)).collect();
        shards.sort_unstable();
        shards.dedup();
        let guards = shards.into_iter().map(|index| (index, store.shards[index].0.lock())).collect();
        let mut working = Self { guards, counters: SmallVec::new() };
        for (check, hash) in checks.iter_mut().zip(hashes) {
            let located = working.locate(store, op, check, hash, now);
            working.counters.push(located);
        }
        working
    }

    #[inline]
    fn locate(
        &mut self,
        store: &MemoryStore,
        op: Op,
        check: &mut Check<'_>,
        hash: u64,
        now: Timestamp,
    ) -> Located {
        let op = check.op.unwrap_or(op);
        let index = store.shard_index(hash);
        let guard = self.guards.iter().position(|(locked, _)| *locked == index).unwrap_or(0);
        // A refund goes where the take went, and the take's check says so.
        if op == Op::Refund && check.degraded {
            return self.locate_shared(store, check, hash, guard, false);
        }
        check.degraded = false;
        if let Some(bucket) = self.guards[guard].1.find(hash, check.key.bytes()) {
            return self.found(guard, hash, bucket);
        }
        let absent = Stored::absent(check.limit);
        if matches!(op, Op::Refund | Op::Reset) {
            return Located::new(guard, hash, Place::Absent(absent));
        }
        let kept = self.kept(guard);
        if store.reserve(index, &mut self.guards[guard].1, check.key, now, &kept) {
            return Located::new(guard, hash, Place::New(absent));
        }
        check.degraded = true;
        if store.config.overflow == Overflow::Share {
            store.shared.fetch_add(1, Relaxed);
            return self.locate_shared(store, check, hash, guard, true);
        }
        store.refused.fetch_add(1, Relaxed);
        Located::new(guard, hash, Place::Refused)
    }

    #[cold]
    fn locate_shared(
        &self,
        store: &MemoryStore,
        check: &Check<'_>,
        hash: u64,
        guard: usize,
        create: bool,
    ) -> Located {
        let key = MemoryStore::shared_key(check.key, check.limit, hash);
        let hash = store.hash(&key);
        if self.counters.iter().any(|other| other.shared.as_ref() == Some(&key)) {
            return Located::new(guard, hash, Place::Refused);
        }
        let located = match self.guards[guard].1.find(hash, &key) {
            Some(bucket) => self.found(guard, hash, bucket),
            None if create => Located::new(guard, hash, Place::New(Stored::absent(check.limit))),
            None => Located::new(guard, hash, Place::Absent(Stored::absent(check.limit))),
        };
        Located { shared: Some(key), ..located }
    }

    #[inline]
    fn found(&self, guard: usize, hash: u64, bucket: usize) -> Located {
        let entry = self.guards[guard].1.table.get_bucket(bucket);
        let heap_bytes = entry.map_or(0, Entry::heap_bytes);
        Located { heap_bytes, ..Located::new(guard, hash, Place::Found(bucket)) }
    }

    /// The buckets of this unit in a shard: no search for idle counters may take them away.
    fn kept(&self, guard: usize) -> SmallVec<[usize; 4]> {
        let found = |counter: &Located| match counter.place {
            Place::Found(bucket) if counter.guard == guard => Some(bucket),
            _ => None,
        };
        self.counters.iter().filter_map(found).collect()
    }

    /// Refuses a unit whose logs or holders would have to grow while all memory is in use.
    pub(super) fn check_room(&mut self, store: &MemoryStore, checks: &[Check<'_>]) -> Result<(), StoreError> {
        let (bytes, max_bytes) = (store.bytes.load(Relaxed), store.config.max_bytes);
        if bytes <= max_bytes || !(0..checks.len()).any(|i| self.state(i).is_some_and(|s| s.must_grow())) {
            return Ok(());
        }
        let reserved = self.counters.iter().filter(|counter| counter.is_reserved()).count();
        store.keys.fetch_sub(reserved, Relaxed);
        Err(StoreError::Full { bytes, max_bytes })
    }

    /// Settles what was decided: new counters that were written go into the table, forgotten ones out of it, and the
    /// books are kept.
    pub(super) fn finish(mut self, store: &MemoryStore, op: Op, checks: &[Check<'_>]) {
        for (counter, check) in self.counters.iter().zip(checks) {
            if let Place::Found(bucket) = counter.place
                && counter.written
            {
                let op = check.op.unwrap_or(op);
                store.settle(&mut self.guards[counter.guard].1, bucket, check.limit, op, counter.heap_bytes);
            }
        }
        // Insertions come last: a table that grows moves its buckets.
        for (counter, check) in self.counters.into_iter().zip(checks) {
            let Place::New(stored) = counter.place else {
                continue;
            };
            let counts = counter.shared.is_none();
            if counter.written {
                let mut entry = match &counter.shared {
                    Some(key) => Entry::shared(key, stored),
                    None => Entry::new(check.key.bytes(), stored),
                };
                entry.note_idle(check.limit);
                store.insert(&mut self.guards[counter.guard].1, counter.hash, entry);
            } else if counts {
                store.keys.fetch_sub(1, Relaxed);
            }
        }
    }
}

impl Counters for Working<'_> {
    #[inline]
    fn state(&mut self, index: usize) -> Option<&mut Stored> {
        let counter = &mut self.counters[index];
        match &mut counter.place {
            Place::Found(bucket) => {
                let shard = &mut self.guards[counter.guard].1;
                shard.table.get_bucket_mut(*bucket).map(|entry| &mut entry.stored)
            }
            Place::New(stored) | Place::Absent(stored) => Some(stored),
            Place::Refused => None,
        }
    }

    #[inline]
    fn wrote(&mut self, index: usize) {
        self.counters[index].written = true;
    }
}
