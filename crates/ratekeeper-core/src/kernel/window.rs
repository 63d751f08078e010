//! Windows: the count of this one, and of the one before where it still weighs.
//!
//! Fixed and calendar windows forget the window before; the sliding counter weighs it by the part that still
//! overlaps: used = current + previous − ⌊previous·e/W⌋, where e is the time since the window began. A clock that
//! stepped back before the window keeps it, with e = 0.

use super::{At, Kernel, divide, saturate};
use crate::algorithm::Algorithm;
use crate::time::{MAX_EXACT, Timestamp};
use crate::{Calendar, Limit};

/// The counts of a window and of the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Window {
    /// When this window began, in microseconds since the epoch.
    pub start: u64,
    /// What was taken in this window.
    pub current: u64,
    /// What was taken in the window before; only sliding windows look at it.
    pub previous: u64,
}

impl Window {
    /// The start of the window that now lies in.
    fn start_at(limit: &Limit, at: At) -> u64 {
        if let Some(calendar) = &limit.calendar {
            return calendar.around(Timestamp::from_micros(at.now)).0.as_micros();
        }
        let width = limit.window.get();
        if at.phase == 0 {
            return at.now - at.now % width;
        }
        // now − ((now − φ) mod W), where the phase is less than W.
        at.now.saturating_sub((at.now + (width - at.phase)) % width)
    }

    /// The window as it is at this instant, without writing it: rolled over if a later one has begun.
    #[inline]
    pub(crate) fn rolled(self, limit: &Limit, at: At) -> Self {
        let start = Self::start_at(limit, at);
        if start <= self.start {
            return self;
        }
        let follows = limit.algorithm == Algorithm::SlidingWindow && start - self.start == limit.window.get();
        Self { start, current: 0, previous: if follows { self.current } else { 0 } }
    }

    /// What counts against the limit at this instant; the window is rolled.
    #[inline]
    pub(crate) fn used(self, limit: &Limit, at: At) -> u64 {
        if self.previous == 0 || limit.algorithm != Algorithm::SlidingWindow {
            return self.current;
        }
        let elapsed = at.now.saturating_sub(self.start);
        let gone = divide(u128::from(self.previous) * u128::from(elapsed), u128::from(limit.window.get()));
        self.current.saturating_add(self.previous).saturating_sub(saturate(gone))
    }

    /// When the window that this state counts ends.
    fn end(self, limit: &Limit) -> u64 {
        match &limit.calendar {
            Some(calendar) => end_of(calendar, self.start),
            None => self.start.saturating_add(limit.window.get()),
        }
    }

    /// Counts `cost` in the current window, and says in which.
    #[inline]
    pub(crate) fn add(&mut self, limit: &Limit, at: At, cost: u64) -> u64 {
        *self = self.rolled(limit, at).counting(cost);
        self.start
    }

    /// The same window with `cost` more; the window is rolled.
    #[inline]
    pub(crate) fn counting(self, cost: u64) -> Self {
        Self { current: self.current.saturating_add(cost).min(MAX_EXACT), ..self }
    }

    /// How long until `cost`, which does not fit now, fits; the window is rolled.
    pub(crate) fn room_after(self, limit: &Limit, at: At, cost: u64) -> u64 {
        let end = self.end(limit);
        if limit.algorithm != Algorithm::SlidingWindow {
            return end.saturating_sub(at.now);
        }
        let width = u128::from(limit.window.get());
        let most = limit.count.saturating_sub(cost);
        let fits_at = if self.current <= most {
            let room = u128::from(most - self.current) * width;
            end.saturating_sub(saturate(divide(room, u128::from(self.previous.max(1)))))
        } else {
            let waits = divide(u128::from(most) * width, u128::from(self.current));
            end.saturating_add(limit.window.get()).saturating_sub(saturate(waits))
        };
        fits_at.saturating_sub(at.now)
    }

    /// Takes `cost` back from the current window; from a window that a receipt names only if it is this one.
    pub(crate) fn take_back(&mut self, limit: &Limit, at: At, cost: u64, receipt: Option<u64>) {
        let window = self.rolled(limit, at);
        if receipt.is_none_or(|start| start == window.start) {
            *self = Self { current: window.current.saturating_sub(cost), ..window };
        }
    }

    /// When nothing of this state counts any more, in microseconds since the epoch.
    #[must_use]
    #[inline]
    pub fn idle_at(self, limit: &Limit) -> u64 {
        match (self.current, self.previous) {
            (0, 0) => 0,
            (0, _) if limit.algorithm == Algorithm::SlidingWindow => self.end(limit),
            (0, _) => 0,
            _ if limit.algorithm == Algorithm::SlidingWindow => {
                self.end(limit).saturating_add(limit.window.get())
            }
            _ => self.end(limit),
        }
    }
}

fn end_of(calendar: &Calendar, start: u64) -> u64 {
    calendar.around(Timestamp::from_micros(start)).1.as_micros()
}

impl Kernel for Window {
    #[inline]
    fn available(&self, limit: &Limit, at: At) -> u64 {
        limit.count.saturating_sub(self.rolled(limit, at).used(limit, at))
    }

    #[inline]
    fn fits(&self, limit: &Limit, at: At, cost: u64) -> bool {
        self.rolled(limit, at).used(limit, at).saturating_add(cost) <= limit.count
    }

    fn fits_after(&self, limit: &Limit, at: At, cost: u64) -> u64 {
        self.rolled(limit, at).room_after(limit, at, cost)
    }

    #[inline]
    fn idle_after(&self, limit: &Limit, at: At) -> u64 {
        self.rolled(limit, at).idle_at(limit).saturating_sub(at.now)
    }
}
