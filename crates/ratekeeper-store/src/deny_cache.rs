//! Remembers refusals for a moment, and gives them again without asking.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use foldhash::quality::RandomState;
use parking_lot::Mutex;
use ratekeeper_core::{Algorithm, Key, Micros, Op, Tag, Timestamp, Verdict};
use smallvec::SmallVec;

use crate::store::pass_on;
use crate::{Answer, Batch, Check, Clock, Group, Store, StoreError, unit};

/// A store around a store that refuses by itself what cannot pass: after a refusal, takes of at least that cost under
/// the same key and limit, until the wait that the store has told has passed since it was asked, or one second.
///
/// Meanwhile another process may refund or reset the counter: that is noticed up to a second late, as is a refund through
/// this store that was given up and is written afterwards. All others through this store, resets and charges too, are
/// noticed at once, and a changed limit is another one. Concurrency limits are never
/// remembered, since a slot may come free at any time, nor what was asked at an injected instant or in a batch of several
/// units.
///
/// A unit that is refused here has verdicts only in the checks that were remembered: `remaining` as it was then, the
/// waits shortened by the time since. For a greater cost than the remembered one `retry_after` is the least that it can
/// be. Only enforced checks are remembered, and refuse.
///
/// Memory is bounded: 16,384 refusals, of which a new one takes the place of an older one; at most about 8 MB. A store
/// that makes no [trips](crate::Capabilities::trips) is asked each time: it knows as fast.
///
/// ```
/// use std::sync::Arc;
/// use ratekeeper_core::{Key, Limit, Micros, Op};
/// use ratekeeper_store::{Batch, Capabilities, Check, DenyCache, MemoryStore, Store, SystemClock};
/// # #[derive(Debug)]
/// # struct RemoteStore(MemoryStore);
/// # impl Store for RemoteStore {
/// #     fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> ratekeeper_store::Answer<'a> {
/// #         self.0.apply(batch)
/// #     }
/// #     fn capabilities(&self) -> Capabilities {
/// #         Capabilities { trips: 1, ..self.0.capabilities() }
/// #     }
/// # }
/// # let remote = RemoteStore(MemoryStore::default());
/// # ratekeeper_store::testkit::block_on(async {
/// let store = DenyCache::new(remote, Arc::new(SystemClock::new()));
/// let (key, limit) = (Key::new(b"alice")?, Limit::fixed_window(2, Micros::DAY)?);
/// for passes in [true, true, false, false] {
///     let mut batch = Batch::new();
///     batch.push(Op::Take, [Check::new(key, &limit, 1)]);
///     store.apply(&mut batch).wait().await?;
///     assert_eq!(batch.units()[0].passes, passes);
/// }
/// assert_eq!(store.denied(), 1);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct DenyCache<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    makes_trips: bool,
    /// Each key has one place, whatever its limit. Who finds keys of one place gains nothing: they only miss.
    slots: Box<[Mutex<Slot>]>,
    hasher: RandomState,
    denied: AtomicU64,
}

const SLOTS: usize = 1 << 14;
const LONGEST: Micros = Micros::SECOND;

#[derive(Default)]
struct Slot {
    /// How often it was cleared: a refusal of a take that was asked before is not remembered after.
    cleared: u64,
    refusal: Option<Box<Refusal>>,
}

struct Refusal {
    key: Box<[u8]>,
    tag: Tag,
    /// The least cost that is refused.
    least: u64,
    asked: Timestamp,
    /// From then on its waits are told: the store's began after it was asked and before it was heard.
    heard: Timestamp,
    until: Timestamp,
    verdict: Verdict,
}

/// A check that may be refused, when it is asked.
struct Take {
    place: usize,
    slot: usize,
    cleared: u64,
}

impl<S: Store> DenyCache<S> {
    /// Remembers the refusals of `inner`, for as long as `clock` says.
    #[must_use]
    pub fn new(inner: S, clock: Arc<dyn Clock>) -> Self {
        let makes_trips = inner.capabilities().trips > 0;
        let slots = if makes_trips { SLOTS } else { 0 };
        Self {
            inner,
            clock,
            makes_trips,
            slots: (0..slots).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
            denied: AtomicU64::new(0),
        }
    }

    /// How many units were refused without asking.
    #[must_use]
    pub fn denied(&self) -> u64 {
        self.denied.load(Relaxed)
    }

    #[allow(clippy::cast_possible_truncation)]
    fn slot_of(&self, key: Key<'_>) -> usize {
        (self.hasher.hash_one(key.bytes()) >> (u64::BITS - SLOTS.ilog2())) as usize
    }

    /// Refuses the only unit of `batch` if one of its checks is known to, or says what may be learnt from asking.
    fn look_up(&self, batch: &mut Batch<'_>, now: Timestamp) -> Result<SmallVec<[Take; 4]>, Refused> {
        let op = batch.units()[0].op;
        let (mut takes, mut refusals) = (SmallVec::new(), SmallVec::<[(usize, Verdict); 2]>::new());
        for (place, check) in batch.checks(0).iter().enumerate().filter(|(_, check)| may_refuse(check, op)) {
            let index = self.slot_of(check.key);
            let slot = self.slots[index].lock();
            let known = slot.refusal.as_ref().and_then(|refusal| refusal.of(check, op, now));
            refusals.extend(known.map(|verdict| (place, verdict)));
            takes.push(Take { place, slot: index, cleared: slot.cleared });
        }
        // A mistake is the store's to answer.
        if refusals.is_empty() || unit::validate(batch).is_err() {
            return Ok(takes);
        }
        for (unit, checks) in batch.each_unit() {
            (unit.passes, unit.error) = (false, None);
            checks.iter_mut().for_each(|check| (check.verdict, check.degraded) = (None, false));
            refusals.iter().for_each(|(place, verdict)| checks[*place].verdict = Some(*verdict));
        }
        self.denied.fetch_add(1, Relaxed);
        Err(Refused)
    }

    /// Learns the refusals among the answers to what was asked at `asked`.
    fn remember(&self, batch: &Batch<'_>, asked: Timestamp, takes: &[Take]) {
        let heard = self.clock.now();
        let unit = &batch.units()[0];
        if unit.passes || unit.error.is_some() {
            return;
        }
        for take in takes {
            let check = &batch.checks(0)[take.place];
            let Some(refusal) = Refusal::told(check, unit.op, (asked, heard)) else {
                continue;
            };
            let mut slot = self.slots[take.slot].lock();
            if slot.cleared == take.cleared {
                slot.refusal = Some(Box::new(refusal));
            }
        }
    }

    /// Forgets the refusals of what the batch gives back, now and when the answer is there: a take that is asked before
    /// the store has given back is refused rightly, but must not be remembered.
    fn forget(&self, batch: &Batch<'_>) -> Forgotten<'_, S> {
        let mut slots = SmallVec::new();
        for (index, unit) in batch.units().iter().enumerate() {
            let moved = |check: &&Check<'_>| {
                matches!(check.op.unwrap_or(unit.op), Op::Refund | Op::Reset | Op::Charge)
            };
            slots.extend(batch.checks(index).iter().filter(moved).map(|check| self.slot_of(check.key)));
        }
        let forgotten = Forgotten { cache: self, slots };
        forgotten.clear();
        forgotten
    }
}

/// The unit was refused without asking.
struct Refused;

/// Slots that are cleared once more at the end, also of a call that is given up.
struct Forgotten<'c, S: Store> {
    cache: &'c DenyCache<S>,
    slots: SmallVec<[usize; 4]>,
}

impl<S: Store> Forgotten<'_, S> {
    fn clear(&self) {
        for index in &self.slots {
            let mut slot = self.cache.slots[*index].lock();
            slot.cleared += 1;
            slot.refusal = None;
        }
    }
}

impl<S: Store> Drop for Forgotten<'_, S> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn may_refuse(check: &Check<'_>, op: Op) -> bool {
    check.group == Group::Enforced
        && matches!(check.op.unwrap_or(op), Op::Take | Op::TakeUpTo)
        && check.limit.algorithm() != Algorithm::Concurrency
}

impl Refusal {
    /// The refusal that the store has told, if it is one, and this counter's own.
    fn told(check: &Check<'_>, op: Op, (asked, heard): (Timestamp, Timestamp)) -> Option<Self> {
        let verdict = check.verdict.filter(|verdict| !verdict.allowed && !check.degraded)?;
        let least = match check.op.unwrap_or(op) {
            // It tells when one fits.
            Op::TakeUpTo if check.cost > 0 => 1,
            Op::Take => check.cost,
            _ => return None,
        };
        Some(Self {
            key: check.key.bytes().into(),
            tag: check.limit.tag(),
            least,
            asked,
            heard,
            until: asked + verdict.retry_after.unwrap_or(LONGEST).min(LONGEST),
            verdict,
        })
    }

    /// What it says of a check at `now`, if it says anything.
    fn of(&self, check: &Check<'_>, op: Op, now: Timestamp) -> Option<Verdict> {
        let refused = match check.op.unwrap_or(op) {
            // Something may be left that is less than the least.
            Op::TakeUpTo => self.least <= 1 && check.cost > 0,
            _ => check.cost >= self.least,
        };
        let current = self.asked <= now && now < self.until;
        if !refused || !current || self.tag != check.limit.tag() || *self.key != *check.key.bytes() {
            return None;
        }
        let left = |wait: Micros| Micros::new(wait.get().saturating_sub(now.since(self.heard).get()));
        let ever = check.op.unwrap_or(op) == Op::TakeUpTo || check.cost <= check.limit.largest_cost();
        Some(Verdict {
            retry_after: self.verdict.retry_after.filter(|_| ever).map(left),
            reset_after: left(self.verdict.reset_after),
            ..self.verdict
        })
    }
}

impl<S: Store> Store for DenyCache<S> {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        if !self.makes_trips {
            return self.inner.apply(batch);
        }
        let now = self.clock.now();
        let mut takes = SmallVec::new();
        if batch.units().len() == 1 && batch.now.is_none() {
            takes = match self.look_up(batch, now) {
                Ok(takes) => takes,
                Err(Refused) => return Answer::Ready(Ok(())),
            };
        }
        let forgotten = self.forget(batch);
        if takes.is_empty() && forgotten.slots.is_empty() {
            return self.inner.apply(batch);
        }
        Answer::Later(Box::pin(async move {
            let answer = self.inner.apply(batch).wait().await;
            if answer.is_ok() && !takes.is_empty() {
                self.remember(batch, now, &takes);
            }
            drop(forgotten);
            answer
        }))
    }

    pass_on!(self => self.inner);
}

impl<S: Store> fmt::Debug for DenyCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DenyCache")
            .field("inner", &self.inner)
            .field("denied", &self.denied)
            .finish_non_exhaustive()
    }
}
