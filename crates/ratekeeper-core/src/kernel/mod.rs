//! The arithmetic, three times instead of seven.
//!
//! Each kernel is a few integer functions on a small state: what is available, whether and when a cost fits, add,
//! take back. `State` is one of them; the operations in [`step`](crate::step) are one layer over all.

pub(crate) mod entries;
pub(crate) mod gcra;
pub(crate) mod window;

use crate::Limit;
use crate::time::{Micros, Timestamp};

/// When a step happens: the instant, and the phase of the key's windows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) now: u64,
    pub(crate) phase: u64,
}

impl At {
    pub(crate) fn new(now: Timestamp, phase: Micros) -> Self {
        Self { now: now.as_micros(), phase: phase.get() }
    }
}

/// What every kernel can tell of its state and do to it, at an instant that is an argument.
pub(crate) trait Kernel {
    /// The greatest cost that passes.
    fn available(&self, limit: &Limit, at: At) -> u64;
    /// Whether `cost` passes.
    fn fits(&self, limit: &Limit, at: At, cost: u64) -> bool;
    /// How long until `cost`, which does not fit now, fits; the caller has excluded costs that never do.
    fn fits_after(&self, limit: &Limit, at: At, cost: u64) -> u64;
    /// How long until nothing is counted any more.
    fn idle_after(&self, limit: &Limit, at: At) -> u64;
}

/// Divides, in one machine division where both numbers are small, as they are but for extreme limits.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn divide(dividend: u128, divisor: u128) -> u128 {
    if (dividend | divisor) >> 64 == 0 {
        u128::from(dividend as u64 / divisor as u64)
    } else {
        dividend / divisor
    }
}

/// Divides and rounds up.
pub(crate) fn divide_up(dividend: u128, divisor: u128) -> u128 {
    divide(dividend + (divisor - 1), divisor)
}

/// A number as 64 bits, or the largest there is.
pub(crate) fn saturate(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
