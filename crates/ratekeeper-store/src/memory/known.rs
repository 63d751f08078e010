//! The shortest way, for most requests: counters that are in the table and stay there. No lock of a shard is taken, and
//! none at all by who is refused.

use ratekeeper_core::{Ask, Key, Limit, Stored, Timestamp, Verdict, alone};
use smallvec::SmallVec;

use super::MemoryStore;
use super::bucket::Words;
use super::sync::wait;
use super::table::{Found, Search};
use super::words::{self, Small, pack, pack_small, unpack_under};
use crate::unit::{self, Counters};
use crate::{Check, Unit};

/// How often somebody tries before he takes the long way, where he waits his turn.
const TRIES: u32 = 200;

/// Why a check is not answered in the shortest way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotShort {
    /// Its counter does not seem to be in the table.
    Absent,
    /// It takes one of the other ways.
    Other,
}

impl MemoryStore {
    /// Answers one check of most limits, if nobody is in between. If it does not, nothing has happened.
    #[inline(always)]
    pub(super) fn decide_short(
        &self,
        key: Key<'_>,
        limit: &Limit,
        ask: &Ask,
        now: Timestamp,
    ) -> Result<Verdict, NotShort> {
        if !alone::answers(ask.op) || !alone::is_short(limit) {
            return Err(NotShort::Other);
        }
        let found = match self.table.find(self.identities.of(key.bytes())) {
            Search::Found(found) => found,
            Search::Absent => return Err(NotShort::Absent),
            Search::Busy => return Err(NotShort::Other),
        };
        let state = words::gcra_under(found.bucket.words(found.slot), limit).ok_or(NotShort::Other)?;
        let (verdict, written) = alone::short(state, limit, now, ask);
        if let Some(state) = written {
            let mut bucket = found.bucket.try_lock(found.header).ok_or(NotShort::Other)?;
            bucket.write(found.slot, words::of_gcra(state, limit));
        } else if !found.bucket.is_still(found.header) {
            return Err(NotShort::Other);
        }
        Ok(verdict)
    }

    /// Answers one check; `None` if that takes the long way. Nothing has happened then.
    pub(super) fn decide_known(
        &self,
        key: Key<'_>,
        limit: &Limit,
        ask: &Ask,
        now: Timestamp,
    ) -> Option<Verdict> {
        if !alone::answers(ask.op) {
            return None;
        }
        let identity = self.identities.of(key.bytes());
        for tries in 0..TRIES {
            let found = match self.table.find(identity) {
                Search::Found(found) => found,
                Search::Absent => return None,
                Search::Busy => {
                    wait(tries);
                    continue;
                }
            };
            let words = found.bucket.words(found.slot);
            let (verdict, written) = match unpack_under(words, limit)? {
                Small::Gcra(state) => {
                    let (verdict, state) = alone::gcra(state, limit, now, ask);
                    (verdict, state.map(Small::Gcra))
                }
                Small::Window(state) => {
                    let phase = limit.phase(key.bytes());
                    let (verdict, state) = alone::window(state, limit, now, phase, ask);
                    (verdict, state.map(Small::Window))
                }
            };
            if let Some(state) = written {
                let words = pack_small(state, limit, words)?;
                if let Some(mut bucket) = found.bucket.try_lock(found.header) {
                    bucket.write(found.slot, words);
                    return Some(verdict);
                }
            } else if found.bucket.is_still(found.header) {
                return Some(verdict);
            }
            wait(tries);
        }
        None
    }

    /// Decides a unit of several checks; `false` if that takes the long way. Nothing has happened then.
    ///
    /// It is decided on copies, which are written if, all buckets being locked, none of them has changed since. Who cannot
    /// get a lock lets go of all: nobody here waits for somebody while others wait for him.
    pub(super) fn decide_known_unit(
        &self,
        unit: &mut Unit,
        checks: &mut [Check<'_>],
        now: Timestamp,
    ) -> bool {
        if checks.iter().any(|check| !alone::answers(check.op.unwrap_or(unit.op))) {
            return false;
        }
        let mut copies = Copies(SmallVec::new());
        for tries in 0..TRIES {
            copies.0.clear();
            match self.copy(checks, &mut copies) {
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
            let Some(state) = unpack_under(words, check.limit) else {
                return Copied::Unknown;
            };
            let stored = Stored { tag: check.limit.tag(), state: state.into() };
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
            let before = self.0[..index].iter().find(|other| other.found.bucket == copy.found.bucket);
            if let Some(other) = before {
                // Several in one bucket: all must have seen the same of it.
                if other.found.header != copy.found.header {
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
