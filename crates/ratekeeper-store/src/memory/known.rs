//! The shortest way, for most requests: counters that are in the table and stay there. No lock of a shard is taken, and
//! none at all by who is refused.

use ratekeeper_core::{Ask, Key, Limit, Op, Stored, Timestamp, Verdict, step};
use smallvec::SmallVec;

use super::MemoryStore;
use super::bucket::Words;
use super::sync::wait;
use super::table::{Found, Search};
use super::words::{pack, unpack_under};
use crate::unit::{self, Counters};
use crate::{Check, Unit};

/// How often somebody tries before he takes the long way, where he waits his turn.
const TRIES: u32 = 200;

fn is_simple(op: Op) -> bool {
    matches!(op, Op::Take | Op::TakeUpTo | Op::Peek | Op::Charge)
}

impl MemoryStore {
    /// Answers one check; `None` if that takes the long way. Nothing has happened then.
    #[inline(always)]
    pub(super) fn decide_known(
        &self,
        key: Key<'_>,
        limit: &Limit,
        ask: &Ask,
        now: Timestamp,
    ) -> Option<Verdict> {
        if !is_simple(ask.op) {
            return None;
        }
        let bytes = key.bytes();
        let identity = self.identities.of(bytes);
        let phase = limit.phase(bytes);
        for tries in 0..TRIES {
            match self.table.find(identity) {
                Search::Absent => return None,
                Search::Busy => {}
                Search::Found(found) => {
                    let words = found.bucket.words(found.slot);
                    let mut stored = unpack_under(words, limit)?;
                    let evaluation = step::evaluate(&stored, limit, now, phase, ask);
                    let granted = step::writes(ask.op, evaluation.passes).then_some(evaluation.grantable);
                    let verdict = step::conclude(&mut stored, limit, now, phase, ask, &evaluation, granted);
                    if granted.is_none() {
                        if found.bucket.is_still(found.header) {
                            return Some(verdict);
                        }
                    } else {
                        let written = pack(&stored, limit, words)?;
                        if let Some(mut bucket) = found.bucket.try_lock(found.header) {
                            bucket.write(found.slot, written);
                            return Some(verdict);
                        }
                    }
                }
            }
            wait(tries);
        }
        None
    }

    /// Decides a unit of several checks; `false` if that takes the long way. Nothing has happened then.
    ///
    /// It is decided on copies, which are written if, all buckets being locked, none of them has changed since. Who cannot
    /// get a lock lets go of all: nobody here waits for somebody while others wait for him.
    pub(super) fn decide_known_unit(&self, unit: &mut Unit, checks: &mut [Check<'_>], now: Timestamp) -> bool {
        if checks.iter().any(|check| !is_simple(check.op.unwrap_or(unit.op))) {
            return false;
        }
        let mut copies = Copies(SmallVec::new());
        for tries in 0..TRIES {
            copies.0.clear();
            let found = self.copy(checks, &mut copies);
            match found {
                Copied::Known => {}
                Copied::Busy => {
                    wait(tries);
                    continue;
                }
                Copied::Unknown => return false,
            }
            unit::decide(unit, checks, now, &mut copies);
            match copies.settle(checks) {
                Settled::Done => {
                    checks.iter_mut().for_each(|check| check.degraded = false);
                    return true;
                }
                Settled::Changed => wait(tries),
                Settled::TooLarge => return false,
            }
        }
        false
    }

    fn copy<'s>(&'s self, checks: &[Check<'_>], copies: &mut Copies<'s>) -> Copied {
        for check in checks {
            let found = match self.table.find(self.identities.of(check.key.bytes())) {
                Search::Found(found) => found,
                Search::Busy => return Copied::Busy,
                Search::Absent => return Copied::Unknown,
            };
            let words = found.bucket.words(found.slot);
            let Some(stored) = unpack_under(words, check.limit) else {
                return Copied::Unknown;
            };
            copies.0.push(Copy { found, words, stored, written: false });
        }
        Copied::Known
    }
}

enum Copied {
    Known,
    Busy,
    Unknown,
}

enum Settled {
    Done,
    Changed,
    /// A state needs more room than its slot has.
    TooLarge,
}

struct Copy<'s> {
    found: Found<'s>,
    words: Words,
    stored: Stored,
    written: bool,
}

struct Copies<'s>(SmallVec<[Copy<'s>; 6]>);

impl Copies<'_> {
    /// Writes what was decided, if it was decided on what is true.
    fn settle(&mut self, checks: &[Check<'_>]) -> Settled {
        if self.0.iter().all(|copy| !copy.written) {
            // All were true at once: each was read before the first of these looks, and had not changed at its own.
            let still = self.0.iter().all(|copy| copy.found.bucket.is_still(copy.found.header));
            return if still { Settled::Done } else { Settled::Changed };
        }
        for (copy, check) in self.0.iter_mut().zip(checks) {
            match pack(&copy.stored, check.limit, copy.words) {
                Some(words) => copy.words = words,
                None => return Settled::TooLarge,
            }
        }
        let mut locked: SmallVec<[_; 6]> = SmallVec::new();
        for (index, copy) in self.0.iter().enumerate() {
            // Several may stand in one bucket.
            if self.0[..index].iter().any(|other| other.found.bucket == copy.found.bucket) {
                // Both must have seen the same of it.
                let same = |other: &Copy<'_>| {
                    other.found.bucket != copy.found.bucket || other.found.header == copy.found.header
                };
                if !self.0[..index].iter().all(same) {
                    return Settled::Changed;
                }
                continue;
            }
            match copy.found.bucket.try_lock(copy.found.header) {
                Some(bucket) => locked.push(bucket),
                None => return Settled::Changed,
            }
        }
        for copy in self.0.iter().filter(|copy| copy.written) {
            if let Some(bucket) = locked.iter_mut().find(|locked| locked.bucket == copy.found.bucket) {
                bucket.write(copy.found.slot, copy.words);
            }
        }
        Settled::Done
    }
}

impl Counters for Copies<'_> {
    #[inline]
    fn state(&mut self, index: usize) -> Option<&mut Stored> {
        self.0.get_mut(index).map(|copy| &mut copy.stored)
    }

    #[inline]
    fn wrote(&mut self, index: usize) {
        self.0[index].written = true;
    }
}
