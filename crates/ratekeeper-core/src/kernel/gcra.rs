//! GCRA, the generic cell rate algorithm (ITU-T I.371, virtual scheduling): one theoretical arrival time X.
//!
//! Time counts in ticks of 1/N' µs, where N'/W' is the rate N/W in lowest terms, so that nothing is ever rounded:
//! a unit of cost is W' ticks. X is stored as whole microseconds and a rest of ticks. The bucket is empty (full of
//! tokens) when X ≤ now; a cost n passes iff max(now, X) + nW' − now ≤ capacity.

use super::{At, Kernel, divide, divide_up, saturate};
use crate::Limit;
use crate::time::MAX_EXACT;

/// The state X = `at`·N' + `rest`, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gcra {
    /// Whole microseconds since the epoch.
    pub at: u64,
    /// Ticks beyond, less than N'.
    pub rest: u64,
}

impl Gcra {
    /// How many ticks X lies ahead of now: max(0, X − P).
    #[inline]
    fn ahead(self, limit: &Limit, at: At) -> u128 {
        match self.at.checked_sub(at.now) {
            Some(micros) => u128::from(micros) * u128::from(limit.ticks) + u128::from(self.rest),
            None => 0,
        }
    }

    /// The state that lies `ahead` ticks ahead of now.
    #[inline]
    fn from_ahead(limit: &Limit, at: At, ahead: u128) -> Self {
        if limit.ticks == 1 {
            return Self::saturated(u128::from(at.now) + ahead, 0);
        }
        let ticks = u128::from(limit.ticks);
        let micros = divide(ahead, ticks);
        Self::saturated(u128::from(at.now) + micros, saturate(ahead - micros * ticks))
    }

    fn saturated(at: u128, rest: u64) -> Self {
        match u64::try_from(at) {
            // No rest in the last microsecond: more debt never counts as less.
            Ok(at) if at < MAX_EXACT => Self { at, rest },
            _ => Self { at: MAX_EXACT, rest: 0 },
        }
    }

    /// X = max(P, X) + nW'.
    #[inline]
    pub(crate) fn add(&mut self, limit: &Limit, at: At, cost: u64) {
        let ahead = self.ahead(limit, at) + u128::from(cost) * u128::from(limit.unit);
        *self = Self::from_ahead(limit, at, ahead);
    }

    /// X = max(P, X − min(nW', max(0, x0 − P))): gives back what time has not, if a receipt says what was taken.
    pub(crate) fn take_back(&mut self, limit: &Limit, at: At, cost: u64, receipt: Option<Self>) {
        let mut credit = u128::from(cost) * u128::from(limit.unit);
        if let Some(receipt) = receipt {
            credit = credit.min(receipt.ahead(limit, at));
        }
        let ahead = self.ahead(limit, at).saturating_sub(credit);
        *self = Self::from_ahead(limit, at, ahead);
    }

    /// How long an accepted request waits in a queue: until the ticks ahead of it have drained.
    pub(crate) fn delay(self, limit: &Limit, at: At) -> u64 {
        saturate(divide_up(self.ahead(limit, at), u128::from(limit.ticks)))
    }

    /// The state under a limit that has changed: on whole microseconds, and no further ahead than the new
    /// capacity allows.
    pub(crate) fn adapt(self, limit: &Limit, at: At) -> Self {
        let carried = Self { at: self.at.saturating_add(u64::from(self.rest > 0)).min(MAX_EXACT), rest: 0 };
        match carried.ahead(limit, at) > limit.capacity {
            true => Self::from_ahead(limit, at, limit.capacity),
            false => carried,
        }
    }
}

impl Kernel for Gcra {
    #[inline]
    fn available(&self, limit: &Limit, at: At) -> u64 {
        let room = limit.capacity.saturating_sub(self.ahead(limit, at));
        saturate(divide(room, u128::from(limit.unit)))
    }

    #[inline]
    fn fits(&self, limit: &Limit, at: At, cost: u64) -> bool {
        self.ahead(limit, at) + u128::from(cost) * u128::from(limit.unit) <= limit.capacity
    }

    fn fits_after(&self, limit: &Limit, at: At, cost: u64) -> u64 {
        let needed = self.ahead(limit, at) + u128::from(cost) * u128::from(limit.unit);
        saturate(divide_up(needed.saturating_sub(limit.capacity), u128::from(limit.ticks)))
    }

    #[inline]
    fn idle_after(&self, limit: &Limit, at: At) -> u64 {
        if limit.ticks == 1 {
            return self.at.saturating_sub(at.now);
        }
        self.delay(limit, at)
    }
}
