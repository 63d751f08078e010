//! Sliding log: every admission with its instant, in a plain vector.

use super::{Carried, Counter, MAX, to_u64};
use crate::{Holder, Limit, Token};

#[derive(Clone, Debug)]
pub(super) struct SlidingLog {
    limit: i128,
    window: i128,
    /// (τ, count), oldest first, at most one for each microsecond.
    log: Vec<(i128, i128)>,
}

impl SlidingLog {
    pub(super) fn new(limit: &Limit) -> Self {
        Self {
            limit: i128::from(limit.count()),
            window: i128::from(limit.window().get()),
            log: Vec::new(),
        }
    }

    /// Takes over the entries of a log of the same length.
    pub(super) fn adopt(limit: &Limit, log: Vec<(i128, i128)>) -> Self {
        Self { log, ..Self::new(limit) }
    }

    /// The instant that counts as now: time does not run backwards past the newest entry.
    fn tau(&self, now: i128) -> i128 {
        self.log.last().map_or(now, |&(newest, _)| newest.max(now))
    }

    fn live(&self, now: i128) -> Vec<(i128, i128)> {
        let tau = self.tau(now);
        let mut live = self.log.clone();
        live.retain(|&(at, _)| at > tau - self.window);
        live
    }

    fn used(&self, now: i128) -> i128 {
        self.live(now).iter().map(|&(_, count)| count).sum()
    }
}

impl Counter for SlidingLog {
    fn boxed(&self) -> Box<dyn Counter> {
        Box::new(self.clone())
    }

    fn fits(&self, now: i128, n: i128) -> bool {
        self.used(now) + n <= self.limit
    }

    fn retry_after(&self, now: i128, n: i128) -> Option<i128> {
        if n > self.limit {
            return None;
        }
        let mut used = self.used(now);
        for (at, count) in self.live(now) {
            used -= count;
            if used + n <= self.limit {
                return Some(at + self.window - now);
            }
        }
        None
    }

    fn reset_after(&self, now: i128) -> i128 {
        self.live(now).last().map_or(0, |&(at, _)| at + self.window - now)
    }

    fn take(&mut self, now: i128, n: i128, _who: Holder) -> Token {
        let tau = self.tau(now);
        // The sum of the counts saturates, so each does.
        let n = n.min((MAX - self.used(now)).max(0));
        self.log = self.live(now);
        // An entry of nothing only says how late it is: it makes way for the next.
        self.log.pop_if(|&mut (_, count)| count == 0);
        match self.log.last_mut() {
            Some((at, count)) if *at == tau => *count += n,
            _ => self.log.push((tau, n)),
        }
        Token::Entry(to_u64(tau))
    }

    fn refund(&mut self, _now: i128, n: i128, token: Option<Token>) {
        let mut left = n;
        let mut kept = Vec::new();
        for &(at, count) in self.log.iter().rev() {
            let named = match token {
                Some(token) => token == Token::Entry(to_u64(at)),
                None => left > 0,
            };
            let back = if named { left.min(count) } else { 0 };
            left -= back;
            if !named || count > back {
                kept.insert(0, (at, count - back));
            }
        }
        self.log = kept;
    }

    fn carried(&self) -> Carried {
        Carried::Log(self.log.clone())
    }
}
