//! Leaky bucket as a meter, told as the water in it: `water`/W units at the instant `since`, draining N per W.
//!
//! On purpose not the formula of the token bucket: that both agree is one of the things to test.

use super::{Carried, Counter, MAX, ceil, saturated, to_u64};
use crate::{Holder, Limit, Token};

#[derive(Clone, Debug)]
pub(super) struct LeakyBucket {
    count: i128,
    window: i128,
    size: i128,
    divisor: i128,
    water: i128,
    since: i128,
}

impl LeakyBucket {
    pub(super) fn new(limit: &Limit) -> Self {
        let (count, window) = (i128::from(limit.count()), i128::from(limit.window().get()));
        Self {
            count,
            window,
            size: i128::from(limit.burst()) * window,
            divisor: super::common_divisor(count, window),
            water: 0,
            since: 0,
        }
    }

    /// Takes over the instant `empty` at which another bucket would have been empty again.
    pub(super) fn adopt(limit: &Limit, empty: i128, now: i128) -> Self {
        let mut bucket = Self::new(limit);
        bucket.water = ((empty - now) * bucket.count).min(bucket.size);
        bucket.since = now;
        bucket
    }

    /// What the water would be if a bucket could owe some: negative once it has been empty for a while.
    fn level(&self, now: i128) -> i128 {
        self.water - (now - self.since) * self.count
    }
}

impl Counter for LeakyBucket {
    fn boxed(&self) -> Box<dyn Counter> {
        Box::new(self.clone())
    }

    fn fits(&self, now: i128, n: i128) -> bool {
        self.level(now).max(0) + n * self.window <= self.size
    }

    fn retry_after(&self, now: i128, n: i128) -> Option<i128> {
        let over = self.level(now).max(0) + n * self.window - self.size;
        (n * self.window <= self.size).then(|| ceil(over, self.count))
    }

    fn reset_after(&self, now: i128) -> i128 {
        ceil(self.level(now).max(0), self.count)
    }

    fn take(&mut self, now: i128, n: i128, _who: Holder) -> Token {
        let water = self.level(now).max(0) + n * self.window;
        self.water = saturated(now * self.count + water, self.count) - now * self.count;
        self.since = now;
        Token::Gcra {
            at: to_u64(now + self.water / self.count),
            rest: to_u64(self.water % self.count / self.divisor),
        }
    }

    fn refund(&mut self, now: i128, n: i128, token: Option<Token>) {
        let back = match token {
            Some(Token::Gcra { at, rest }) => {
                // A rest is less than a microsecond, unless the limit has changed since: then it counts as that.
                let whole = (i128::from(at) - now) * self.count;
                let left = if whole < 0 {
                    0
                } else {
                    whole + i128::from(rest).min(self.count / self.divisor - 1) * self.divisor
                };
                (n * self.window).min(left)
            }
            _ => n * self.window,
        };
        self.water = (self.level(now) - back).max(0);
        self.since = now;
    }

    fn carried(&self) -> Carried {
        Carried::Instant((self.since + ceil(self.water, self.count)).min(MAX))
    }
}
