//! The counters of one unit, while its shards are locked.
//!
//! First every counter is found, or room is made for it; then the buckets of those that are in the table are locked, so
//! that nobody who takes the short way changes one, and their states are copied; what is decided is written back, the
//! buckets are let go, and what is new or to be forgotten goes in or out. Who holds a bucket here waits for nothing but
//! buckets that somebody on the short way holds, who waits for nothing.

use std::sync::atomic::Ordering::Relaxed;

use parking_lot::MutexGuard;
use ratekeeper_core::{Algorithm, Op, State, Stored, Timestamp, step};
use smallvec::SmallVec;

use super::MemoryStore;
use super::bucket::{Locked, Words};
use super::identity::Identity;
use super::shard::{Shard, Shared, SharedKey};
use super::table::Position;
use super::words;
use crate::unit::Counters;
use crate::{Check, Overflow, StoreError, Unit};

/// Where the counter of one check is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the table, with these words.
    Found(Position, Words),
    /// Not in the table yet, which has room for it.
    New,
    /// Not in the table, and of no use there: there is nothing to give back or to forget.
    Absent,
    /// Among the shared ones of its shard.
    Shared(SharedKey),
    /// Not in the table, which is full, and refused.
    Refused,
}

#[derive(Debug)]
struct Located {
    guard: usize,
    identity: Identity,
    place: Place,
    /// Its state; `None` of one that is refused.
    stored: Option<Stored>,
    /// Bytes that are in the books for it: aside before anything is written, and claimed for its growth.
    claimed: usize,
    written: bool,
}

/// The locked shards of a unit, in the order of their index, its counters, and the locked buckets of those.
pub(super) struct Working<'s> {
    store: &'s MemoryStore,
    guards: SmallVec<[(usize, MutexGuard<'s, Shard>); 4]>,
    counters: SmallVec<[Located; 4]>,
    locked: SmallVec<[(usize, usize, Locked<'s>); 4]>,
}

impl<'s> Working<'s> {
    /// Locks the shards of every check and finds, or makes room for, every counter.
    pub(super) fn lock(store: &'s MemoryStore, op: Op, checks: &mut [Check<'_>], now: Timestamp) -> Self {
        let identities: SmallVec<[Identity; 4]> =
            checks.iter().map(|check| store.identities.of(check.key.bytes())).collect();
        let mut shards: SmallVec<[usize; 4]> =
            identities.iter().map(|identity| store.table.shard_of(*identity)).collect();
        shards.sort_unstable();
        shards.dedup();
        let guards = shards.into_iter().map(|index| (index, store.shards[index].0.lock())).collect();
        let mut working = Self { store, guards, counters: SmallVec::new(), locked: SmallVec::new() };
        for (index, check) in checks.iter_mut().enumerate() {
            let located = working.locate(op, check, &identities, index, now);
            working.counters.push(located);
        }
        for (index, check) in checks.iter().enumerate() {
            working.read(index, check);
        }
        working
    }

    fn locate(
        &mut self,
        op: Op,
        check: &mut Check<'_>,
        identities: &[Identity],
        index: usize,
        now: Timestamp,
    ) -> Located {
        let (store, identity) = (self.store, identities[index]);
        let op = check.op.unwrap_or(op);
        let shard = store.table.shard_of(identity);
        let guard = self.guards.iter().position(|(locked, _)| *locked == shard).unwrap_or(0);
        let located = |place| Located { guard, identity, place, stored: None, claimed: 0, written: false };
        // A refund goes where the take went, and the take's check says so.
        if op == Op::Refund && check.degraded {
            return located(self.shared_place(check, identity, guard, false));
        }
        check.degraded = false;
        if let Some(position) = store.table.position(identity) {
            // Others that make way may still move it.
            return located(Place::Found(position, Words::default()));
        }
        // Who only looks does not make a live counter go.
        let looks = op == Op::Peek && store.config.overflow == Overflow::Evict;
        if looks || matches!(op, Op::Refund | Op::Reset) {
            return located(Place::Absent);
        }
        let pending = |other: &&Located| other.guard == guard && matches!(other.place, Place::New);
        let pending = self.counters.iter().filter(pending).count();
        // The counters of this unit stay, also those that come after this one.
        let kept = || identities.iter().filter_map(|identity| store.table.position(*identity)).collect();
        let room = first_bytes(check);
        if let Some(claimed) = store.reserve((shard, &mut self.guards[guard].1), room, pending, now, kept) {
            return Located { claimed, ..located(Place::New) };
        }
        check.degraded = true;
        if store.config.overflow == Overflow::Share {
            store.shared.fetch_add(1, Relaxed);
            return located(self.shared_place(check, identity, guard, true));
        }
        store.refused.fetch_add(1, Relaxed);
        located(Place::Refused)
    }

    #[cold]
    fn shared_place(&self, check: &Check<'_>, identity: Identity, guard: usize, create: bool) -> Place {
        let key = SharedKey {
            scope: self.store.identities.of(check.key.scope()),
            tag: check.limit.tag().get(),
            slot: self.store.shared_slot(identity),
        };
        let same = |other: &Located| matches!(other.place, Place::Shared(taken) if taken == key);
        if self.counters.iter().any(same) {
            return Place::Refused;
        }
        let exists = self.guards[guard].1.shared.as_ref().is_some_and(|shared| shared.contains_key(&key));
        if exists || create {
            Place::Shared(key)
        } else {
            Place::Absent
        }
    }

    /// Reads the state of a counter, its bucket locked.
    fn read(&mut self, index: usize, check: &Check<'_>) {
        let counter = &mut self.counters[index];
        let (shard, guard) = &mut self.guards[counter.guard];
        let absent = || Stored::absent(check.limit);
        counter.stored = match &mut counter.place {
            Place::New | Place::Absent => Some(absent()),
            Place::Refused => None,
            Place::Shared(key) => {
                let shared = guard.shared.as_mut().and_then(|shared| shared.get_mut(key));
                Some(shared.map_or_else(absent, |shared| {
                    let stored = std::mem::replace(&mut shared.stored, nothing());
                    counter.claimed = stored.heap_bytes();
                    stored
                }))
            }
            Place::Found(position, words) => {
                *position = self.store.table.position(counter.identity).unwrap_or(*position);
                let is_here = |(of, bucket, _): &(usize, usize, _)| (of, bucket) == (shard, &position.bucket);
                if !self.locked.iter().any(is_here)
                    && let Some(locked) = self.store.table.lock(*shard, position.bucket)
                {
                    self.locked.push((*shard, position.bucket, locked));
                }
                let locked = self.locked.iter().find(|locked| is_here(locked));
                *words =
                    locked.map_or_else(Words::default, |(.., locked)| locked.bucket.words(position.slot));
                let aside = words::place_aside(*words).and_then(|place| guard.aside.get_mut(place));
                match aside {
                    Some(aside) => {
                        let stored = std::mem::replace(aside, nothing());
                        counter.claimed = weight(&stored);
                        Some(stored)
                    }
                    None => Some(words::unpack(*words, check.limit).unwrap_or_else(absent)),
                }
            }
        };
    }

    /// Claims the memory by which the logs and holders of a unit may have to grow.
    pub(super) fn claim_growth(
        &mut self,
        unit: &Unit,
        checks: &[Check<'_>],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for (counter, check) in self.counters.iter_mut().zip(checks) {
            // What is reserved for a new counter is enough for its first admission, and a shared one gets it.
            let old = matches!(counter.place, Place::Found(..) | Place::Shared(_));
            let growth = match &counter.stored {
                Some(stored) if old => growth(stored, unit, check, now),
                _ => 0,
            };
            if !self.store.claim(growth) {
                let store = self.store;
                self.release();
                let (bytes, max_bytes) = (store.bytes.load(Relaxed), store.config.max_bytes);
                return Err(StoreError::Full { bytes, max_bytes });
            }
            counter.claimed += growth;
        }
        Ok(())
    }

    /// Puts everything back as it was: nothing will be written.
    fn release(&mut self) {
        for counter in &mut self.counters {
            match counter.place {
                Place::New => self.store.unreserve(counter.claimed),
                _ => put_back(self.store, &mut self.guards[counter.guard].1, counter),
            }
        }
    }

    /// Settles what was decided: states are written, forgotten counters go out of the table and new ones into it, and the
    /// books are kept.
    pub(super) fn finish(mut self, op: Op, checks: &[Check<'_>], now: Timestamp) {
        let mut forgotten: SmallVec<[(usize, Identity, Words); 4]> = SmallVec::new();
        for (counter, check) in self.counters.iter_mut().zip(checks) {
            let (Place::Found(position, words), true) = (counter.place, counter.written) else {
                continue;
            };
            // A refused reset may have written that the limit has changed.
            let resets = check.op.unwrap_or(op) == Op::Reset
                && counter.stored.as_ref() == Some(&Stored::absent(check.limit));
            let (guard, identity) = (counter.guard, counter.identity);
            let (index, shard) = &mut self.guards[guard];
            let words = set(self.store, shard, counter, check, words);
            let is_here =
                |(of, bucket, _): &&mut (usize, usize, _)| (of, bucket) == (index, &position.bucket);
            if let Some((.., locked)) = self.locked.iter_mut().find(is_here) {
                locked.rewrite(position.slot, words);
            }
            if resets {
                forgotten.push((guard, identity, words));
            }
        }
        self.locked.clear();
        for (guard, identity, written) in forgotten {
            let (index, shard) = &mut self.guards[guard];
            if let Some(position) = self.store.table.position(identity) {
                // Unless somebody on the short way has taken from it since.
                self.store.forget(*index, shard, position, |_, words| words == written);
            }
        }
        for (mut counter, check) in self.counters.into_iter().zip(checks) {
            let shard = &mut self.guards[counter.guard].1;
            match counter.place {
                Place::New if counter.written => {
                    let claimed = std::mem::take(&mut counter.claimed);
                    let words = set(self.store, shard, &mut counter, check, Words::default());
                    let grown = shard.insert(&self.store.table, counter.identity, words);
                    self.store.bytes.fetch_add(grown, Relaxed);
                    self.store.bytes.fetch_sub(claimed, Relaxed);
                }
                Place::New => self.store.unreserve(counter.claimed),
                Place::Shared(key) if counter.written => {
                    let Some(stored) = counter.stored else {
                        continue;
                    };
                    let shared = Shared { idle_at: stored.idle_at(check.limit), stored };
                    self.store.bytes.fetch_sub(counter.claimed, Relaxed);
                    self.store.insert_shared(shard, key, shared, now);
                }
                _ => put_back(self.store, shard, &mut counter),
            }
        }
    }
}

/// Puts what was copied, and is not written, back where it was.
fn put_back(store: &MemoryStore, shard: &mut Shard, counter: &mut Located) {
    let Some(stored) = counter.stored.take() else {
        return;
    };
    match counter.place {
        Place::Found(_, words) => {
            if let Some(aside) = words::place_aside(words).and_then(|place| shard.aside.get_mut(place)) {
                store.bytes.fetch_sub(counter.claimed - weight(&stored), Relaxed);
                *aside = stored;
            } else {
                store.bytes.fetch_sub(counter.claimed, Relaxed);
            }
        }
        Place::Shared(key) => {
            if let Some(shared) = shard.shared.as_mut().and_then(|shared| shared.get_mut(&key)) {
                store.bytes.fetch_sub(counter.claimed - stored.heap_bytes(), Relaxed);
                shared.stored = stored;
            } else {
                store.bytes.fetch_sub(counter.claimed, Relaxed);
            }
        }
        Place::New | Place::Absent | Place::Refused => {}
    }
}

/// Finds room for a written state, in the words of its slot or aside, and keeps the books. Returns the words.
fn set(
    store: &MemoryStore,
    shard: &mut Shard,
    counter: &mut Located,
    check: &Check<'_>,
    before: Words,
) -> Words {
    let (place, Some(stored)) = (words::place_aside(before), counter.stored.take()) else {
        return before;
    };
    let packed = words::pack(&stored, check.limit, before);
    let bytes = if packed.is_some() { 0 } else { weight(&stored) };
    store.bytes.fetch_add(bytes, Relaxed);
    store.bytes.fetch_sub(counter.claimed, Relaxed);
    let aside = place.and_then(|place| shard.aside.get_mut(place));
    match (packed, aside) {
        (Some(words), _) => {
            place.and_then(|place| shard.aside.try_remove(place));
            words
        }
        (None, Some(aside)) => {
            *aside = stored;
            before
        }
        (None, None) => words::aside(shard.aside.insert(stored)),
    }
}

/// Bytes of a state that is aside.
pub(super) fn weight(stored: &Stored) -> usize {
    size_of::<Stored>() + stored.heap_bytes()
}

/// Stands where a state has been taken out for a while; takes no memory.
fn nothing() -> Stored {
    Stored {
        tag: ratekeeper_core::Tag::from_raw(0),
        state: State::Gcra(ratekeeper_core::Gcra::default()),
    }
}

/// Bytes aside that a new counter will take once it has been written for the first time, at most.
fn first_bytes(check: &Check<'_>) -> usize {
    let absent = Stored::absent(check.limit);
    match absent.state {
        State::Entries(_) => size_of::<Stored>() + absent.heap_bytes() + list_growth(&absent),
        State::Window(_) if check.cost > words::MOST => size_of::<Stored>(),
        _ => 0,
    }
}

/// How many bytes one more admission adds to a log or a list of holders, at most: they grow by doubling, and begin with
/// four.
fn list_growth(stored: &Stored) -> usize {
    let first = 4 * size_of::<ratekeeper_core::Entry>();
    match stored.state {
        State::Entries(_) => stored.heap_bytes().max(first),
        // Under a changed limit it becomes a list.
        State::Gcra(_) | State::Window(_) => {
            size_of::<Stored>() + size_of::<ratekeeper_core::Entries>() + first
        }
    }
}

/// How many bytes what `check` asks may add aside.
fn growth(stored: &Stored, unit: &Unit, check: &Check<'_>, now: Timestamp) -> usize {
    let op = check.op.unwrap_or(unit.op);
    let adds = matches!(op, Op::Take | Op::TakeUpTo | Op::Charge);
    if let State::Window(window) = &stored.state
        && adds
        && window.current.saturating_add(check.cost) > words::MOST
    {
        return size_of::<Stored>();
    }
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
        self.counters[index].stored.as_mut()
    }

    #[inline]
    fn wrote(&mut self, index: usize) {
        self.counters[index].written = true;
    }
}
