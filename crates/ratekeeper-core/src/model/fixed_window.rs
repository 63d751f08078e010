//! Fixed window: the window's start and its count.

use super::{Carried, Counter, MAX, to_u64};
use crate::{Holder, Limit, Token};

#[derive(Clone, Debug)]
pub(super) struct FixedWindow {
    limit: i128,
    window: i128,
    phase: i128,
    /// The start of the window and its count; none before the first write.
    seen: Option<(i128, i128)>,
    /// The count of the window before, kept for a sliding limit that may follow; of no meaning here.
    previous: i128,
}

impl FixedWindow {
    pub(super) fn new(limit: &Limit, phase: i128) -> Self {
        Self {
            limit: i128::from(limit.count()),
            window: i128::from(limit.window().get()),
            phase,
            seen: None,
            previous: 0,
        }
    }

    /// Takes over the count of a window of the same length.
    pub(super) fn adopt(limit: &Limit, phase: i128, start: i128, count: i128, previous: i128) -> Self {
        let mut window = Self::new(limit, phase);
        window.seen = Some((start, count));
        window.previous = previous;
        window
    }

    fn put(&mut self, start: i128, count: i128) {
        if self.seen.is_none_or(|(stored, _)| stored != start) {
            self.previous = 0;
        }
        self.seen = Some((start, count));
    }

    /// The window that `now` counts in, and its count: the stored one, unless a later one has begun.
    fn at(&self, now: i128) -> (i128, i128) {
        let begun = now - (now - self.phase).rem_euclid(self.window);
        match self.seen {
            Some((start, count)) if start >= begun => (start, count),
            _ => (begun, 0),
        }
    }
}

impl Counter for FixedWindow {
    fn boxed(&self) -> Box<dyn Counter> {
        Box::new(self.clone())
    }

    fn fits(&self, now: i128, n: i128) -> bool {
        self.at(now).1 + n <= self.limit
    }

    fn retry_after(&self, now: i128, n: i128) -> Option<i128> {
        (n <= self.limit).then(|| self.at(now).0 + self.window - now)
    }

    fn reset_after(&self, now: i128) -> i128 {
        let (start, count) = self.at(now);
        if count > 0 { start + self.window - now } else { 0 }
    }

    fn take(&mut self, now: i128, n: i128, _who: Holder) -> Token {
        let (start, count) = self.at(now);
        self.put(start, (count + n).min(MAX));
        Token::Window(to_u64(start.max(0)))
    }

    fn refund(&mut self, now: i128, n: i128, token: Option<Token>) {
        let (start, count) = self.at(now);
        let same = match token {
            Some(Token::Window(taken_in)) => i128::from(taken_in) == start,
            _ => true,
        };
        if same {
            self.put(start, (count - n).max(0));
        }
    }

    fn carried(&self) -> Carried {
        let (start, count) = self.seen.unwrap_or((0, 0));
        Carried::Window(start, count, self.previous)
    }
}
