//! Concurrency: who holds how much until when, in a plain vector.

use super::{Carried, Counter, MAX};
use crate::{Holder, Limit, Token};

/// Who, until when, how much.
pub(super) type Held = (Holder, i128, i128);

#[derive(Clone, Debug)]
pub(super) struct Concurrency {
    limit: i128,
    ttl: i128,
    held: Vec<Held>,
}

impl Concurrency {
    pub(super) fn new(limit: &Limit) -> Self {
        Self {
            limit: i128::from(limit.count()),
            ttl: i128::from(limit.window().get()),
            held: Vec::new(),
        }
    }

    /// Takes over the holders of another concurrency limit.
    pub(super) fn adopt(limit: &Limit, held: Vec<Held>) -> Self {
        Self { held, ..Self::new(limit) }
    }

    /// Those that have not expired, first to expire first.
    fn live(&self, now: i128) -> Vec<Held> {
        let mut live = self.held.clone();
        live.retain(|&(_, expiry, _)| expiry > now);
        live.sort_by_key(|&(_, expiry, _)| expiry);
        live
    }

    fn used(&self, now: i128) -> i128 {
        self.live(now).iter().map(|&(_, _, count)| count).sum()
    }
}

impl Counter for Concurrency {
    fn boxed(&self) -> Box<dyn Counter> {
        Box::new(self.clone())
    }

    fn fits(&self, now: i128, n: i128) -> bool {
        self.used(now) + n <= self.limit
    }

    fn renews(&self, now: i128, who: Holder) -> bool {
        // Who holds nothing is nobody in particular.
        self.live(now).iter().any(|&(holder, _, count)| count > 0 && holder == who)
    }

    fn retry_after(&self, now: i128, n: i128) -> Option<i128> {
        if n > self.limit {
            return None;
        }
        let mut used = self.used(now);
        for (_, expiry, count) in self.live(now) {
            used -= count;
            if used + n <= self.limit {
                return Some(expiry - now);
            }
        }
        None
    }

    fn reset_after(&self, now: i128) -> i128 {
        self.live(now).last().map_or(0, |&(_, expiry, _)| expiry - now)
    }

    fn take(&mut self, now: i128, n: i128, who: Holder) -> Token {
        let until = (now + self.ttl).min(MAX);
        self.held = self.live(now);
        match self.held.iter_mut().find(|(holder, _, count)| *count > 0 && *holder == who) {
            Some((_, expiry, _)) => *expiry = until,
            None => self.held.push((who, until, n)),
        }
        Token::Holder(who)
    }

    fn refund(&mut self, _now: i128, _n: i128, token: Option<Token>) {
        self.held.retain(|&(holder, _, count)| count == 0 || token != Some(Token::Holder(holder)));
    }

    fn carried(&self) -> Carried {
        Carried::Holders(self.held.clone())
    }
}
