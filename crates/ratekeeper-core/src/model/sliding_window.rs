//! Sliding window counter: this window's count, and the part of the last one's that still overlaps.

use super::{Carried, Counter, MAX, to_u64};
use crate::{Holder, Limit, Token};

#[derive(Clone, Copy, Debug)]
struct Counts {
    start: i128,
    current: i128,
    previous: i128,
}

#[derive(Clone, Debug)]
pub(super) struct SlidingWindow {
    limit: i128,
    window: i128,
    phase: i128,
    /// None before the first write.
    seen: Option<Counts>,
}

impl SlidingWindow {
    pub(super) fn new(limit: &Limit, phase: i128) -> Self {
        Self {
            limit: i128::from(limit.count()),
            window: i128::from(limit.window().get()),
            phase,
            seen: None,
        }
    }

    /// Takes over the counts of windows of the same length.
    pub(super) fn adopt(limit: &Limit, phase: i128, start: i128, current: i128, previous: i128) -> Self {
        let mut window = Self::new(limit, phase);
        window.seen = Some(Counts { start, current, previous });
        window
    }

    fn at(&self, now: i128) -> Counts {
        let start = now - (now - self.phase).rem_euclid(self.window);
        let fresh = Counts { start, current: 0, previous: 0 };
        match self.seen {
            Some(seen) if start <= seen.start => seen,
            Some(seen) if start == seen.start + self.window => Counts { previous: seen.current, ..fresh },
            _ => fresh,
        }
    }

    fn used(&self, now: i128) -> i128 {
        let counts = self.at(now);
        let elapsed = (now - counts.start).max(0);
        counts.current + counts.previous - counts.previous * elapsed / self.window
    }
}

impl Counter for SlidingWindow {
    fn boxed(&self) -> Box<dyn Counter> {
        Box::new(self.clone())
    }

    fn fits(&self, now: i128, n: i128) -> bool {
        self.used(now) + n <= self.limit
    }

    fn retry_after(&self, now: i128, n: i128) -> Option<i128> {
        let m = self.limit - n;
        if m < 0 {
            return None;
        }
        let counts = self.at(now);
        let passes_at = if counts.current <= m {
            counts.start + self.window - (m - counts.current) * self.window / counts.previous
        } else {
            counts.start + 2 * self.window - m * self.window / counts.current
        };
        Some(passes_at - now)
    }

    fn reset_after(&self, now: i128) -> i128 {
        let counts = self.at(now);
        if counts.current > 0 {
            counts.start + 2 * self.window - now
        } else if counts.previous > 0 {
            counts.start + self.window - now
        } else {
            0
        }
    }

    fn take(&mut self, now: i128, n: i128, _who: Holder) -> Token {
        let mut counts = self.at(now);
        counts.current = (counts.current + n).min(MAX);
        self.seen = Some(counts);
        Token::Window(to_u64(counts.start.max(0)))
    }

    fn refund(&mut self, now: i128, n: i128, token: Option<Token>) {
        let mut counts = self.at(now);
        let same = match token {
            Some(Token::Window(taken_in)) => i128::from(taken_in) == counts.start,
            _ => true,
        };
        if same {
            counts.current = (counts.current - n).max(0);
            self.seen = Some(counts);
        }
    }

    fn carried(&self) -> Carried {
        self.seen
            .map_or(Carried::Window(0, 0, 0), |seen| Carried::Window(seen.start, seen.current, seen.previous))
    }
}
