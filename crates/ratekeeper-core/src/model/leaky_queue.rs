//! Leaky bucket as a queue: X is when the queue will be free, in ticks of 1/N µs.

use super::{Carried, Counter, MAX, ceil, saturated, to_u64};
use crate::{Holder, Limit, Token};

#[derive(Clone, Debug)]
pub(super) struct LeakyQueue {
    count: i128,
    window: i128,
    max_delay: i128,
    divisor: i128,
    x: i128,
}

impl LeakyQueue {
    pub(super) fn new(limit: &Limit) -> Self {
        let (count, window) = (i128::from(limit.count()), i128::from(limit.window().get()));
        Self {
            count,
            window,
            max_delay: i128::from(limit.max_delay().get()),
            divisor: super::common_divisor(count, window),
            x: 0,
        }
    }

    /// Takes over the instant `free` at which another bucket would have been empty again.
    pub(super) fn adopt(limit: &Limit, free: i128, now: i128) -> Self {
        let mut queue = Self::new(limit);
        queue.x = (free * queue.count).min(now * queue.count + queue.capacity());
        queue
    }

    /// Waiting for max_delay is allowed, and one unit then takes its own time.
    fn capacity(&self) -> i128 {
        self.max_delay * self.count + self.window
    }
}

impl Counter for LeakyQueue {
    fn boxed(&self) -> Box<dyn Counter> {
        Box::new(self.clone())
    }

    fn fits(&self, now: i128, n: i128) -> bool {
        let p = now * self.count;
        self.x.max(p) + n * self.window - p <= self.capacity()
    }

    fn retry_after(&self, now: i128, n: i128) -> Option<i128> {
        let p = now * self.count;
        let lacking = self.x.max(p) + n * self.window - p - self.capacity();
        (n * self.window <= self.capacity()).then(|| ceil(lacking, self.count))
    }

    fn reset_after(&self, now: i128) -> i128 {
        ceil(self.x - now * self.count, self.count).max(0)
    }

    fn delay(&self, now: i128) -> Option<i128> {
        let p = now * self.count;
        Some(ceil(self.x.max(p) - p, self.count))
    }

    fn take(&mut self, now: i128, n: i128, _who: Holder) -> Token {
        let begin = self.x.max(now * self.count);
        self.x = saturated(begin + n * self.window, self.count);
        Token::Gcra {
            at: to_u64(self.x / self.count),
            rest: to_u64(self.x % self.count / self.divisor),
        }
    }

    /// Only the last in the queue can leave it: those behind have been told their delay already.
    fn refund(&mut self, now: i128, n: i128, token: Option<Token>) {
        let Some(Token::Gcra { at, rest }) = token else {
            return;
        };
        let x0 = i128::from(at) * self.count + i128::from(rest) * self.divisor;
        if self.x == x0 && i128::from(rest) * self.divisor < self.count {
            let p = now * self.count;
            self.x = p.max(self.x - (n * self.window).min((x0 - p).max(0)));
        }
    }

    fn carried(&self) -> Carried {
        Carried::Instant(ceil(self.x, self.count).min(MAX))
    }
}
