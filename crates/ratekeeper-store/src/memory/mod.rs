//! The embedded default: counters in this process.
//!
//! A table of our own (`table`), of 32 bytes a counter, in which known counters are found, read and written without a lock that
//! anybody waits for (`known`). It is cut into shards of about a thousand keys, however many the store may hold, so that no
//! insertion ever pays for the size of the table: a shard that grows moves a thousand counters, and a search for idle
//! ones looks at sixteen. Which counters a shard has is changed under its lock (`working`); a unit locks its shards in the
//! order of their index.

mod bucket;
mod config;
mod dump;
mod identity;
mod known;
mod shard;
mod sync;
mod table;
mod words;
mod working;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

pub use config::{MemoryConfig, MemoryStats};
pub use dump::{NoDump, Restored};
use parking_lot::Mutex;
use ratekeeper_core::{Ask, Key, Limit, Timestamp, Verdict};
use smallvec::SmallVec;

use self::bucket::Words;
use self::identity::{Identities, Identity};
use self::known::NotShort;
use self::shard::{Shard, Shared, SharedKey};
use self::table::{Position, Table};
use self::working::Working;
use crate::unit::{decide, validate};
use crate::{
    Answer, Batch, Capabilities, Check, Clock, ClockSource, Group, Overflow, Store, StoreError, SystemClock,
    Unit,
};

/// Shared counters per limit under [`Overflow::Share`], at least: as many as there are shards.
const SHARED_COUNTERS: usize = 4096;
/// How many other shards a store that evicts live counters tries: all, where a store is so small that some are empty.
const SHARDS_TRIED: usize = 16;
/// How many counters make way for one new one at most: it may need more bytes than they did.
const EVICTIONS: usize = 4;
/// How many keys a shard is meant for.
const SHARD_KEYS: usize = 1024;
/// Shards at most; beyond them, at 64 million keys, they are larger.
const MOST_SHARDS: usize = 1 << 16;

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
    table: Table,
    shards: Box<[Padded]>,
    identities: Identities,
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
        let shards = (config.max_keys / SHARD_KEYS).clamp(SHARDS_TRIED, MOST_SHARDS).next_power_of_two();
        Self {
            table: Table::new(shards, config.max_keys, config.max_bytes),
            shards: (0..shards).map(|_| Padded::default()).collect(),
            identities: Identities::new(),
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
        let now = self.clock.now();
        match self.decide_short(key, limit, ask, now) {
            Ok(verdict) => Ok(verdict),
            Err(not) => self.ask_at(key, limit, ask, now, not),
        }
    }

    #[inline(never)]
    fn ask_at(
        &self,
        key: Key<'_>,
        limit: &Limit,
        ask: &Ask,
        now: Timestamp,
        not: NotShort,
    ) -> Result<Verdict, StoreError> {
        if not != NotShort::Absent
            && let Some(verdict) = self.decide_known(key, limit, ask, now)
        {
            return Ok(verdict);
        }
        let mut batch = Batch::single(key, limit, ask);
        validate(&batch)?;
        for (unit, checks) in batch.each_unit() {
            self.decide_any(unit, checks, now)?;
        }
        batch.checks(0)[0].verdict.ok_or_else(StoreError::no_verdict)
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        validate(batch)?;
        let now = batch.now.unwrap_or_else(|| self.clock.now());
        for (unit, checks) in batch.each_unit() {
            if let [check] = checks
                && check.group == Group::Enforced
            {
                let ask = check.ask(unit.op, unit.holder);
                let verdict = match self.decide_short(check.key, check.limit, &ask, now) {
                    Ok(verdict) => Some(verdict),
                    Err(NotShort::Absent) => None,
                    Err(NotShort::Other) => self.decide_known(check.key, check.limit, &ask, now),
                };
                if let Some(verdict) = verdict {
                    unit.passes = verdict.allowed;
                    (check.verdict, check.degraded) = (Some(verdict), false);
                    continue;
                }
            } else if self.decide_known_unit(unit, checks, now) {
                continue;
            }
            self.decide_any(unit, checks, now)?;
        }
        Ok(())
    }

    /// The long way, which every unit can take: under the locks of its shards.
    fn decide_any(
        &self,
        unit: &mut Unit,
        checks: &mut [Check<'_>],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut working = Working::lock(self, unit.op, checks, now);
        working.claim_growth(unit, checks, now)?;
        decide(unit, checks, now, &mut working);
        working.finish(unit.op, checks, now);
        Ok(())
    }

    /// The place of a key among the shared counters of its limit. It decides the shard too, so that a key and its shared
    /// counter are behind the same lock.
    fn shared_slot(&self, identity: Identity) -> u64 {
        identity.name & (SHARED_COUNTERS.max(self.shards.len()) as u64 - 1)
    }

    /// Claims so many bytes, unless that would be too many.
    fn claim(&self, bytes: usize) -> bool {
        let more = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.config.max_bytes);
        bytes == 0 || self.bytes.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// Reserves room for one more counter with so many bytes aside in `shard`, where `pending` others go first, at the cost
    /// of an idle one if need be. Returns the bytes that were claimed.
    fn reserve(
        &self,
        (index, shard): (usize, &mut Shard),
        aside: usize,
        pending: usize,
        now: Timestamp,
        kept: impl Fn() -> SmallVec<[Position; 4]>,
    ) -> Option<usize> {
        let growth = shard.growth(self.table.size(index), pending);
        let most = growth + aside;
        let fits = (growth == 0 || self.table.has_room(index, growth)) && self.claim(most);
        if self.keys.fetch_add(1, Relaxed) < self.config.max_keys && fits {
            return Some(most);
        }
        let live = self.config.overflow == Overflow::Evict;
        for _ in 0..EVICTIONS {
            // Where they are now: when one goes, others move.
            let Some(position) = shard.find_idle((&self.table, index), now, live, &kept()) else {
                break;
            };
            if !self.evict(index, shard, position, (now, live)) {
                continue;
            }
            if fits {
                return Some(most);
            }
            // It takes the other's place: the table need not grow.
            if self.claim(aside) {
                return Some(aside);
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
                && let Some(position) = shard.find_idle((&self.table, other), now, live, &[])
                && self.evict(other, &mut shard, position, (now, live))
            {
                return true;
            }
        }
        false
    }

    fn insert_shared(&self, shard: &mut Shard, key: SharedKey, counter: Shared, now: Timestamp) {
        let (taken, freed) = shard.insert_shared(key, counter, now);
        self.bytes.fetch_add(taken, Relaxed);
        self.bytes.fetch_sub(freed, Relaxed);
    }

    /// Lets a counter go, unless somebody has asked for it since it was seen to be idle.
    fn evict(&self, index: usize, shard: &mut Shard, at: Position, (now, live): (Timestamp, bool)) -> bool {
        let mut idle = false;
        let goes = self.forget(index, shard, at, |shard, words| {
            idle = shard.idle_at(words) <= now;
            idle || live
        });
        if goes {
            let tally = if idle {
                &self.evicted_idle
            } else {
                &self.evicted_live
            };
            tally.fetch_add(1, Relaxed);
        }
        goes
    }

    /// Takes a counter out of the table, if `wants` says so of its words as they are now.
    fn forget(
        &self,
        index: usize,
        shard: &mut Shard,
        at: Position,
        wants: impl FnOnce(&Shard, Words) -> bool,
    ) -> bool {
        let Some(words) = self.table.remove(index, at, |words| wants(shard, words)) else {
            return false;
        };
        let aside = words::place_aside(words).and_then(|place| shard.aside.try_remove(place));
        self.bytes.fetch_sub(aside.as_ref().map_or(0, working::weight), Relaxed);
        self.keys.fetch_sub(1, Relaxed);
        shard.length -= 1;
        true
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
