//! What the peer of one key has said, and what it means for the next calls.
//!
//! Nothing here makes calls go faster than the limits. Where the peer has said how much is left, that many more calls go,
//! and then one at a time until there is news: so nothing stalls, whatever peers say or leave out, and after every pause it
//! is a single call that finds out.

use ratekeeper_core::{Micros, Timestamp};

use crate::{PacerConfig, Told, Unit};

/// From so many more calls on, a peer that says nothing more is taken to have recovered.
const RECOVERED: u64 = 64;
/// Doubling a pause more often than this makes no difference.
const MAX_DOUBLINGS: u32 = 30;

/// A number of calls, and what they cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) calls: u64,
    pub(crate) cost: u64,
}

impl Amount {
    pub(crate) fn one(cost: u64) -> Self {
        Self { calls: 1, cost }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            cost: self.cost.saturating_add(other.cost),
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(other.calls),
            cost: self.cost.saturating_sub(other.cost),
        }
    }
}

/// From which call a response is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// The number of the call: later calls have greater ones.
    pub(crate) call: u64,
    /// The number of the latest call so far.
    pub(crate) latest: u64,
    /// What the peer may not have counted yet when it answered.
    pub(crate) unseen: Amount,
}

#[derive(Debug)]
pub(crate) struct Peer {
    /// How many more calls, and how much of a cost, go at once; `None` as far as the limits alone decide.
    calls_left: Option<u64>,
    cost_left: Option<u64>,
    paused_until: Timestamp,
    /// How many refusals in a row did not say for how long.
    refusals: u32,
    /// The first call whose answer is news: those of earlier ones were overtaken by what has been heard since.
    heard: u64,
    /// The latest call when the last pause began that the peer did not ask for.
    backed_off: u64,
    /// From when on it does no harm to forget all this.
    idle_at: Timestamp,
}

impl Peer {
    /// A peer that has said nothing. Where there are no limits to go by, the first call finds out.
    pub(crate) fn new(has_limits: bool) -> Self {
        Self {
            calls_left: if has_limits { None } else { Some(0) },
            cost_left: None,
            paused_until: Timestamp::EPOCH,
            refusals: 0,
            heard: 0,
            backed_off: 0,
            idle_at: Timestamp::EPOCH,
        }
    }

    /// Until when nobody calls.
    pub(crate) fn paused_until(&self) -> Timestamp {
        self.paused_until
    }

    /// Whether the peer expects another call before any has been answered.
    pub(crate) fn expects(&self, cost: u64) -> bool {
        self.calls_left.is_none_or(|left| left > 0) && self.cost_left.is_none_or(|left| left >= cost)
    }

    /// A call goes.
    pub(crate) fn pass(&mut self, cost: u64) {
        self.calls_left = self.calls_left.map(|left| left.saturating_sub(1));
        self.cost_left = self.cost_left.map(|left| left.saturating_sub(cost));
    }

    pub(crate) fn idle_at(&self) -> Timestamp {
        self.idle_at
    }

    /// Takes in what a response says. `random` draws a span of up to the one given.
    pub(crate) fn hear(
        &mut self,
        told: &Told,
        source: Source,
        now: Timestamp,
        config: &PacerConfig,
        random: impl Fn(Micros) -> Micros,
    ) {
        match told.wait() {
            Some(wait) => self.pause(now + Micros::from(wait.min(config.longest_pause))),
            None if told.refused => self.back_off(source, now, config, random),
            None => {}
        }
        if told.refused {
            (self.calls_left, self.cost_left) = (Some(0), None);
            self.heard = source.latest.saturating_add(1);
            return;
        }
        if source.call > self.backed_off {
            self.refusals = self.refusals.saturating_sub(1);
        }
        if told.quotas.is_empty() {
            self.recover(source);
        } else {
            self.adopt(told, source);
            let resets = told.quotas.iter().filter_map(|quota| quota.reset);
            let longest = resets.max().unwrap_or_default().min(config.longest_pause);
            self.idle_at = self.idle_at.max(now + Micros::from(longest));
        }
    }

    fn pause(&mut self, until: Timestamp) {
        self.paused_until = self.paused_until.max(until);
        self.idle_at = self.idle_at.max(until);
    }

    /// The peer refuses, and does not say for how long: exponentially longer, and at random, so that those who were
    /// refused together do not come back together.
    fn back_off(
        &mut self,
        source: Source,
        now: Timestamp,
        config: &PacerConfig,
        random: impl Fn(Micros) -> Micros,
    ) {
        // Calls that went before the last pause began say nothing new.
        if source.call <= self.backed_off {
            return;
        }
        let longest = Micros::from(config.longest_backoff);
        let doubled = Micros::from(config.first_backoff)
            .get()
            .saturating_mul(1 << self.refusals.min(MAX_DOUBLINGS));
        self.pause(now + random(longest.min(Micros::new(doubled))));
        self.refusals = self.refusals.saturating_add(1);
        self.backed_off = source.latest;
        self.idle_at = self.idle_at.max(now + longest);
    }

    /// What is left, less what the peer had not counted when it said so.
    fn adopt(&mut self, told: &Told, source: Source) {
        let least = |unit, unseen| {
            let quotas = told.quotas.iter().filter(|quota| quota.unit == unit);
            quotas.map(|quota| quota.remaining).min().map(|left: u64| left.saturating_sub(unseen))
        };
        let calls = least(Unit::Calls, source.unseen.calls);
        let cost = least(Unit::Cost, source.unseen.cost);
        if source.call >= self.heard {
            (self.heard, self.calls_left, self.cost_left) = (source.call, calls, cost);
        } else {
            self.calls_left = self.calls_left.into_iter().chain(calls).min();
            self.cost_left = self.cost_left.into_iter().chain(cost).min();
        }
    }

    /// A peer that had said something answers, and says no more: each answer lets two more calls go.
    fn recover(&mut self, source: Source) {
        if source.call < self.heard {
            return;
        }
        let more =
            |left: Option<u64>| left.map(|left| left.saturating_add(2)).filter(|left| *left < RECOVERED);
        (self.calls_left, self.cost_left) = (more(self.calls_left), more(self.cost_left));
    }
}
