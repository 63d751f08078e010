//! The counters of one unit, behind locked shards.

use std::sync::atomic::Ordering::Relaxed;

use parking_lot::MutexGuard;
use ratekeeper_core::{Algorithm, Key, Op, State, Stored, Timestamp, step};
use smallvec::SmallVec;

use super::MemoryStore;
use super::entry::{Entry, list_growth};
use super::shard::Shard;
use crate::unit::Counters;
use crate::{Check, Overflow, StoreError, Unit};

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
    /// Bytes that are in the books for it: on the heap before anything is written, and claimed for its growth.
    claimed: usize,
    written: bool,
}

impl Located {
    fn new(guard: usize, hash: u64, place: Place) -> Self {
        Self { guard, hash, shared: None, place, claimed: 0, written: false }
    }

    /// Whether a key of the store's bound is reserved for it.
    fn is_reserved(&self) -> bool {
        self.shared.is_none() && matches!(self.place, Place::New(_))
    }
}

/// The locked shards of a unit, in the order of their index, and its counters.
pub(super) struct Working<'s> {
    guards: SmallVec<[(usize, MutexGuard<'s, Shard>); 4]>,
    counters: SmallVec<[Located; 4]>,
}

impl<'s> Working<'s> {
    /// Locks the shards of every check and finds, or makes room for, every counter.
    pub(super) fn lock(store: &'s MemoryStore, op: Op, checks: &mut [Check<'_>], now: Timestamp) -> Self {
        let keys: SmallVec<[(Key<'_>, u64); 4]> =
            checks.iter().map(|check| (check.key, store.hash(check.key.bytes()))).collect();
        let mut shards: SmallVec<[usize; 4]> =
            keys.iter().map(|(_, hash)| store.shard_index(*hash)).collect();
        shards.sort_unstable();
        shards.dedup();
        let guards = shards.into_iter().map(|index| (index, store.shards[index].0.lock())).collect();
        let mut working = Self { guards, counters: SmallVec::new() };
        for (index, check) in checks.iter_mut().enumerate() {
            let located = working.locate(store, op, check, &keys, index, now);
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
        keys: &[(Key<'_>, u64)],
        place: usize,
        now: Timestamp,
    ) -> Located {
        let op = check.op.unwrap_or(op);
        let hash = keys[place].1;
        let index = store.shard_index(hash);
        let guard = self.guards.iter().position(|(locked, _)| *locked == index).unwrap_or(0);
        // A refund goes where the take went, and the take's check says so.
        if op == Op::Refund && check.degraded {
            return self.locate_shared(store, check, hash, guard, false);
        }
        check.degraded = false;
        if let Some(bucket) = self.guards[guard].1.find(hash, check.key.bytes()) {
            return self.found(guard, hash, bucket, false);
        }
        let absent = Stored::absent(check.limit);
        // Who only looks does not make a live counter go.
        let looks = op == Op::Peek && store.config.overflow == Overflow::Evict;
        if looks || matches!(op, Op::Refund | Op::Reset) {
            return Located::new(guard, hash, Place::Absent(absent));
        }
        let heap_bytes = Entry::first_heap_bytes(check.key.bytes(), &absent);
        let pending = |counter: &&Located| counter.guard == guard && counter.is_reserved();
        let pending = self.counters.iter().filter(pending).count();
        // The counters of this unit stay, also those that come after this one.
        let kept = |shard: &Shard| {
            let here = keys.iter().filter(|(_, hash)| store.shard_index(*hash) == index);
            here.filter_map(|(key, hash)| shard.find(*hash, key.bytes())).collect()
        };
        let shard = &mut *self.guards[guard].1;
        if let Some(claimed) = store.reserve((index, shard), heap_bytes, pending, now, kept) {
            return Located { claimed, ..Located::new(guard, hash, Place::New(absent)) };
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
        &mut self,
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
        let located = match self.guards[guard].1.find_shared(hash, &key) {
            Some(bucket) => self.found(guard, hash, bucket, true),
            None if create => Located::new(guard, hash, Place::New(Stored::absent(check.limit))),
            None => Located::new(guard, hash, Place::Absent(Stored::absent(check.limit))),
        };
        Located { shared: Some(key), ..located }
    }

    #[inline]
    fn found(&mut self, guard: usize, hash: u64, bucket: usize, shared: bool) -> Located {
        let entry = self.guards[guard].1.get_mut(shared, bucket);
        let claimed = entry.map_or(0, |entry| entry.heap_bytes());
        Located { claimed, ..Located::new(guard, hash, Place::Found(bucket)) }
    }

    /// Claims the memory by which the logs and holders of a unit may have to grow.
    pub(super) fn claim_growth(
        &mut self,
        store: &MemoryStore,
        unit: &Unit,
        checks: &[Check<'_>],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for (index, check) in checks.iter().enumerate() {
            // What is reserved for a new counter is enough for its first admission, and a shared one gets it.
            let found = matches!(self.counters[index].place, Place::Found(_));
            let stored = self.state(index).filter(|_| found);
            let growth = stored.map_or(0, |stored| growth(stored, unit, check, now));
            if !store.claim(growth) {
                self.release(store);
                let (bytes, max_bytes) = (store.bytes.load(Relaxed), store.config.max_bytes);
                return Err(StoreError::Full { bytes, max_bytes });
            }
            self.counters[index].claimed += growth;
        }
        Ok(())
    }

    /// Gives back what is reserved and claimed: nothing will be written.
    fn release(&mut self, store: &MemoryStore) {
        for counter in &mut self.counters {
            match counter.place {
                Place::New(_) if counter.shared.is_none() => store.unreserve(counter.claimed),
                Place::Found(bucket) => {
                    let shared = counter.shared.is_some();
                    let entry = self.guards[counter.guard].1.get_mut(shared, bucket);
                    let heap_bytes = entry.map_or(0, |entry| entry.heap_bytes());
                    store.bytes.fetch_sub(counter.claimed - heap_bytes, Relaxed);
                }
                Place::New(_) | Place::Absent(_) | Place::Refused => {}
            }
        }
    }

    /// Settles what was decided: new counters that were written go into the table, forgotten ones out of it, and the
    /// books are kept.
    pub(super) fn finish(mut self, store: &MemoryStore, op: Op, checks: &[Check<'_>], now: Timestamp) {
        for (counter, check) in self.counters.iter().zip(checks) {
            if let Place::Found(bucket) = counter.place {
                let shard = &mut self.guards[counter.guard].1;
                let settled = (counter.written, counter.claimed);
                let op = check.op.unwrap_or(op);
                store.settle(shard, (counter.shared.is_some(), bucket), check, op, settled);
            }
        }
        // Insertions come last: a table that grows moves its buckets.
        for (counter, check) in self.counters.into_iter().zip(checks) {
            let Place::New(stored) = counter.place else {
                continue;
            };
            if !counter.written {
                if counter.shared.is_none() {
                    store.unreserve(counter.claimed);
                }
                continue;
            }
            let shard = &mut self.guards[counter.guard].1;
            let mut entry = Entry::new(counter.shared.as_deref().unwrap_or(check.key.bytes()), stored);
            entry.note_idle(check.limit);
            match counter.shared {
                Some(_) => store.insert_shared(shard, counter.hash, entry, now),
                None => store.insert(shard, counter.hash, entry, counter.claimed),
            }
        }
    }
}

/// How many bytes what `check` asks may add to a log or a list of holders.
fn growth(stored: &Stored, unit: &Unit, check: &Check<'_>, now: Timestamp) -> usize {
    let op = check.op.unwrap_or(unit.op);
    let adds = matches!(op, Op::Take | Op::TakeUpTo | Op::Charge);
    let lists = matches!(check.limit.algorithm(), Algorithm::SlidingLog | Algorithm::Concurrency);
    let changed = stored.tag != check.limit.tag();
    if !lists || !adds || !(changed || stored.must_grow()) {
        return 0;
    }
    if let (State::Entries(entries), false) = (&stored.state, changed) {
        // What has expired makes room first, and who holds already needs none.
        let expired = entries.iter().next().is_some_and(|entry| entry.expiry <= now.as_micros());
        let renews = check.limit.algorithm() == Algorithm::Concurrency
            && entries.iter().any(|entry| entry.holder == unit.holder);
        if expired || renews {
            return 0;
        }
    }
    let phase = check.limit.phase(check.key.bytes());
    let passes = step::evaluate(stored, check.limit, now, phase, &check.ask(unit.op, unit.holder)).passes;
    if passes { list_growth(stored) } else { 0 }
}

impl Counters for Working<'_> {
    #[inline]
    fn state(&mut self, index: usize) -> Option<&mut Stored> {
        let counter = &mut self.counters[index];
        match &mut counter.place {
            Place::Found(bucket) => {
                let shard = &mut self.guards[counter.guard].1;
                shard.get_mut(counter.shared.is_some(), *bucket).map(|entry| &mut entry.stored)
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
