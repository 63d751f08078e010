//! The embedded default: counters in this process.
//!
//! The table is cut into shards, each behind a lock of its own. Shards are about a thousand keys, however many keys
//! the store may hold, so that no insertion ever pays for the size of the table: a shard that grows moves a thousand
//! entries, and a search for idle counters looks at sixteen. A unit locks its shards in the order of their index.

mod config;
mod dump;
mod entry;
mod shard;
mod working;

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

pub use config::{MemoryConfig, MemoryStats};
pub use dump::{NoDump, Restored};
use parking_lot::Mutex;
use ratekeeper_core::{Ask, Key, Limit, Op, State, Stored, Timestamp, Verdict, step};
use smallvec::SmallVec;

use self::entry::Entry;
use self::shard::Shard;
use self::working::Working;
use crate::unit::{decide, validate};
use crate::{
    Answer, Batch, Capabilities, Check, Clock, ClockSource, Group, Overflow, Store, StoreError, SystemClock,
};

/// Shared counters per limit under [`Overflow::Share`].
const SHARED_COUNTERS: u64 = 4096;
/// How many other shards a store that evicts live counters tries: all, where a store is so small that some are empty.
const SHARDS_TRIED: usize = 16;
/// How many counters make way for one new one at most: its key may be longer than theirs.
const EVICTIONS: usize = 4;
/// How many keys a shard is meant for.
const SHARD_KEYS: usize = 1024;

/// Counters in this process: exact, atomic, bounded; lost when it ends, unless they are [dumped](MemoryStore::dump) and
/// [restored](MemoryStore::restore).
///
/// ```
/// use ratekeeper_core::{Key, Limit, Micros};
/// use ratekeeper_store::{MemoryConfig, MemoryStore, Overflow};
/// let store = MemoryStore::new(MemoryConfig { max_keys: 100_000, overflow: Overflow::Deny, ..Default::default() });
/// assert_eq!(store.stats().keys, 0);
/// ```
pub struct MemoryStore {
    shards: Box<[Padded]>,
    hasher: foldhash::fast::RandomState,
    clock: StoreClock,
    config: MemoryConfig,
    keys: AtomicUsize,
    bytes: AtomicUsize,
    evicted_idle: AtomicU64,
    evicted_live: AtomicU64,
    shared: AtomicU64,
    refused: AtomicU64,
    /// Which shard to search next for idle counters, when a key's own has none.
    cursor: AtomicUsize,
}

/// The system's clock is the usual one, and every check reads it: no detour through a table of functions.
enum StoreClock {
    System(SystemClock),
    Other(Arc<dyn Clock>),
}

impl StoreClock {
    #[inline]
    fn now(&self) -> Timestamp {
        match self {
            Self::System(clock) => clock.now(),
            Self::Other(clock) => clock.now(),
        }
    }
}

/// A lock per cache line, so that neighbours do not slow each other down.
#[derive(Default)]
#[repr(align(64))]
struct Padded(Mutex<Shard>);

impl MemoryStore {
    /// A store on the system's clock.
    #[must_use]
    pub fn new(config: MemoryConfig) -> Self {
        Self::on(config, StoreClock::System(SystemClock::new()))
    }

    /// A store on a clock of the caller's.
    #[must_use]
    pub fn with_clock(config: MemoryConfig, clock: Arc<dyn Clock>) -> Self {
        Self::on(config, StoreClock::Other(clock))
    }

    fn on(mut config: MemoryConfig, clock: StoreClock) -> Self {
        // This store is bounded, whatever is asked for.
        if config.overflow == Overflow::Unbounded {
            config.overflow = Overflow::default();
        }
        let most = usize::try_from(SHARED_COUNTERS).unwrap_or(usize::MAX);
        let shards = (config.max_keys / SHARD_KEYS).clamp(SHARDS_TRIED, most).next_power_of_two();
        Self {
            shards: (0..shards).map(|_| Padded::default()).collect(),
            hasher: foldhash::fast::RandomState::default(),
            clock,
            config,
            keys: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            evicted_idle: AtomicU64::new(0),
            evicted_live: AtomicU64::new(0),
            shared: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cursor: AtomicUsize::new(0),
        }
    }

    /// What it holds, and what it has had to do.
    #[must_use]
    pub fn stats(&self) -> MemoryStats {
        MemoryStats {
            keys: self.keys.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            evicted_idle: self.evicted_idle.load(Relaxed),
            evicted_live: self.evicted_live.load(Relaxed),
            shared: self.shared.load(Relaxed),
            refused: self.refused.load(Relaxed),
        }
    }

    /// Asks one counter, at the store's own time, without the detour of a batch. A take from a concurrency limit needs a
    /// holder of the request's own: [`Ask::by`].
    ///
    /// # Errors
    /// As [`Store::apply`].
    #[inline(always)]
    pub fn ask_now(&self, key: Key<'_>, limit: &Limit, ask: &Ask) -> Result<Verdict, StoreError> {
        match self.decide_known(key, limit, ask, self.clock.now()) {
            Some(verdict) => Ok(verdict),
            None => self.ask_batch(Batch::single(key, limit, ask)),
        }
    }

    #[cold]
    fn ask_batch(&self, mut batch: Batch<'_>) -> Result<Verdict, StoreError> {
        self.decide(&mut batch)?;
        batch.checks(0)[0].verdict.ok_or_else(StoreError::no_verdict)
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        validate(batch)?;
        let now = batch.now.unwrap_or_else(|| self.clock.now());
        for (unit, checks) in batch.each_unit() {
            if let [check] = checks
                && check.group == Group::Enforced
                && let Some(verdict) =
                    self.decide_known(check.key, check.limit, &check.ask(unit.op, unit.holder), now)
            {
                unit.passes = verdict.allowed;
                (check.verdict, check.degraded) = (Some(verdict), false);
                continue;
            }
            let mut working = Working::lock(self, unit.op, checks, now);
            working.claim_growth(self, unit, checks, now)?;
            decide(unit, checks, now, &mut working);
            working.finish(self, unit.op, checks, now);
        }
        Ok(())
    }

    /// The shortest way, for most requests: one check of a counter that is in the table and stays there. `None` if it
    /// is not so; nothing has happened then.
    #[inline(always)]
    fn decide_known(&self, key: Key<'_>, limit: &Limit, ask: &Ask, now: Timestamp) -> Option<Verdict> {
        if !matches!(ask.op, Op::Take | Op::TakeUpTo | Op::Peek | Op::Charge) {
            return None;
        }
        let key = key.bytes();
        let hash = self.hash(key);
        let mut shard = self.shards[self.shard_index(hash)].0.lock();
        let entry = shard.table.find_mut(hash, |entry| entry.key() == key)?;
        // Lists need room on the heap, and so may whatever a changed limit makes of a state.
        if matches!(entry.stored.state, State::Entries(_)) || entry.stored.tag != limit.tag() {
            return None;
        }
        let phase = limit.phase(key);
        let evaluation = step::evaluate(&entry.stored, limit, now, phase, ask);
        let granted = step::writes(ask.op, evaluation.passes).then_some(evaluation.grantable);
        let verdict = step::conclude(&mut entry.stored, limit, now, phase, ask, &evaluation, granted);
        if granted.is_some() {
            entry.note_idle(limit);
        }
        Some(verdict)
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        hasher.finish()
    }

    /// The place of a key among the shared counters of its limit; it decides the shard too, so that a key and its
    /// shared counter are behind the same lock.
    #[inline]
    fn slot(hash: u64) -> u64 {
        // The hash is a fast one: under some seeds like keys differ in few of its bits. A product has them in its
        // upper ones all.
        hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SHARED_COUNTERS.ilog2())
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn shard_index(&self, hash: u64) -> usize {
        Self::slot(hash) as usize & (self.shards.len() - 1)
    }

    /// The key of a shared counter: the limit's part of the key, the limit and the place.
    fn shared_key(key: Key<'_>, limit: &Limit, hash: u64) -> Vec<u8> {
        let mut shared = key.scope().to_vec();
        shared.extend_from_slice(&limit.tag().get().to_le_bytes());
        shared.extend_from_slice(&Self::slot(hash).to_le_bytes());
        shared
    }

    /// Claims so many bytes, unless that would be too many.
    fn claim(&self, bytes: usize) -> bool {
        let more = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.config.max_bytes);
        bytes == 0 || self.bytes.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// Reserves room for one more counter of so many bytes on the heap in `shard`, where `pending` others go first, at
    /// the cost of an idle one if need be. Returns the bytes that were claimed.
    fn reserve(
        &self,
        (index, shard): (usize, &mut Shard),
        heap_bytes: usize,
        pending: usize,
        now: Timestamp,
        kept: impl FnOnce(&Shard) -> SmallVec<[usize; 4]>,
    ) -> Option<usize> {
        let most = shard.growth(pending) + heap_bytes;
        let fits = self.claim(most);
        if self.keys.fetch_add(1, Relaxed) < self.config.max_keys && fits {
            return Some(most);
        }
        let kept = kept(shard);
        let live = self.config.overflow == Overflow::Evict;
        for _ in 0..EVICTIONS {
            let Some(bucket) = shard.find_idle(now, live, &kept) else {
                break;
            };
            self.evict(shard, bucket, now);
            if fits {
                return Some(most);
            }
            // It takes the other's place: the table need not grow.
            if self.claim(heap_bytes) {
                return Some(heap_bytes);
            }
        }
        // The number of keys is a bound that all shards share.
        if fits && self.evict_elsewhere(index, now) {
            return Some(most);
        }
        self.unreserve(if fits { most } else { 0 });
        None
    }

    /// Gives back what was reserved for a counter.
    fn unreserve(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
        self.keys.fetch_sub(1, Relaxed);
    }

    /// Makes room in another shard whose lock is free.
    fn evict_elsewhere(&self, index: usize, now: Timestamp) -> bool {
        // A live counter to make way is in the next shard already, unless the store is a small one.
        let live = self.config.overflow == Overflow::Evict;
        for _ in 0..if live { SHARDS_TRIED } else { 1 } {
            let other = self.cursor.fetch_add(1, Relaxed) & (self.shards.len() - 1);
            if other != index
                && let Some(mut shard) = self.shards[other].0.try_lock()
                && let Some(bucket) = shard.find_idle(now, live, &[])
            {
                self.evict(&mut shard, bucket, now);
                return true;
            }
        }
        false
    }

    /// Keeps the books of the counter in `bucket`, for which `claimed` bytes are in them; a reset one leaves the table.
    #[inline]
    fn settle(
        &self,
        shard: &mut Shard,
        (shared, bucket): (bool, usize),
        check: &Check<'_>,
        op: Op,
        (written, claimed): (bool, usize),
    ) {
        let Some(entry) = shard.get_mut(shared, bucket) else {
            return;
        };
        if written {
            entry.note_idle(check.limit);
        }
        let heap_bytes = entry.heap_bytes();
        if heap_bytes != claimed {
            self.bytes.fetch_add(heap_bytes, Relaxed);
            self.bytes.fetch_sub(claimed, Relaxed);
        }
        // A refused reset may have written that the limit has changed.
        if written && op == Op::Reset && !shared && entry.stored == Stored::absent(check.limit) {
            self.forget(shard, bucket);
        }
    }

    fn insert(&self, shard: &mut Shard, hash: u64, entry: Entry, claimed: usize) {
        let before = shard.table.allocation_size();
        let heap_bytes = entry.heap_bytes();
        shard.insert(hash, entry, |entry| self.hash(entry.key()));
        self.bytes.fetch_add(shard.table.allocation_size() - before + heap_bytes, Relaxed);
        self.bytes.fetch_sub(claimed, Relaxed);
    }

    fn insert_shared(&self, shard: &mut Shard, hash: u64, entry: Entry, now: Timestamp) {
        let (taken, freed) = shard.insert_shared(hash, entry, now, |entry| self.hash(entry.key()));
        self.bytes.fetch_add(taken, Relaxed);
        self.bytes.fetch_sub(freed, Relaxed);
    }

    fn evict(&self, shard: &mut Shard, bucket: usize, now: Timestamp) {
        let idle = shard.table.get_bucket(bucket).is_some_and(|entry| entry.idle_at() <= now);
        let tally = if idle {
            &self.evicted_idle
        } else {
            &self.evicted_live
        };
        tally.fetch_add(1, Relaxed);
        self.forget(shard, bucket);
    }

    fn forget(&self, shard: &mut Shard, bucket: usize) {
        if let Some(entry) = shard.remove(bucket) {
            self.bytes.fetch_sub(entry.heap_bytes(), Relaxed);
            self.keys.fetch_sub(1, Relaxed);
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(MemoryConfig::default())
    }
}

impl Store for MemoryStore {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        Answer::Ready(self.decide(batch))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "memory",
            atomic_units: true,
            exact: true,
            survives_restart: false,
            survives_failover: false,
            clock: ClockSource::Process,
            injectable_clock: true,
            largest_state: None,
            trips: 0,
            overflow: self.config.overflow,
        }
    }

    fn memory(&self) -> Option<&MemoryStore> {
        Some(self)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("config", &self.config)
            .field("stats", &self.stats())
            .finish()
    }
}
