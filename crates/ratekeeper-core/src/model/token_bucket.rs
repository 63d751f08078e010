//! Token bucket: X and the time count in ticks of 1/N µs, not reduced by the common divisor of N and W.

use super::{Carried, Counter, MAX, ceil, saturated, to_u64};
use crate::{Holder, Limit, Token};

#[derive(Clone, Debug)]
pub(super) struct TokenBucket {
    count: i128,
    window: i128,
    burst: i128,
    divisor: i128,
    x: i128,
}

impl TokenBucket {
    pub(super) fn new(limit: &Limit) -> Self {
        let (count, window) = (i128::from(limit.count()), i128::from(limit.window().get()));
        Self {
            count,
            window,
            burst: i128::from(limit.burst()),
            divisor: super::common_divisor(count, window),
            x: 0,
        }
    }

    /// Takes over the instant `full` at which another bucket would have been full again.
    pub(super) fn adopt(limit: &Limit, full: i128, now: i128) -> Self {
        let mut bucket = Self::new(limit);
        let most = now * bucket.count + bucket.burst * bucket.window;
        bucket.x = (full * bucket.count).min(most);
        bucket
    }
}

impl Counter for TokenBucket {
    fn boxed(&self) -> Box<dyn Counter> {
        Box::new(self.clone())
    }

    fn fits(&self, now: i128, n: i128) -> bool {
        let p = now * self.count;
        self.x.max(p) + n * self.window - p <= self.burst * self.window
    }

    fn retry_after(&self, now: i128, n: i128) -> Option<i128> {
        let p = now * self.count;
        let lacking = self.x.max(p) + n * self.window - p - self.burst * self.window;
        (n <= self.burst).then(|| ceil(lacking, self.count))
    }

    fn reset_after(&self, now: i128) -> i128 {
        ceil(self.x - now * self.count, self.count).max(0)
    }

    fn take(&mut self, now: i128, n: i128, _who: Holder) -> Token {
        let begin = self.x.max(now * self.count);
        self.x = saturated(begin + n * self.window, self.count);
        Token::Gcra {
            at: to_u64(self.x / self.count),
            rest: to_u64(self.x % self.count / self.divisor),
        }
    }

    fn refund(&mut self, now: i128, n: i128, token: Option<Token>) {
        let p = now * self.count;
        let back = match token {
            Some(Token::Gcra { at, rest }) => {
                // A rest is less than a microsecond, unless the limit has changed since: then it counts as that.
                let rest = i128::from(rest).min(self.count / self.divisor - 1);
                let x0 = i128::from(at) * self.count + rest * self.divisor;
                let left = if i128::from(at) < now { 0 } else { x0 - p };
                (n * self.window).min(left)
            }
            _ => n * self.window,
        };
        self.x = p.max(self.x - back);
    }

    fn carried(&self) -> Carried {
        Carried::Instant(ceil(self.x, self.count).min(MAX))
    }
}
