//! One policy of a replay: its engine and what it decided.

use std::sync::Arc;

use ratekeeper_core::{Limit, Timestamp};
use ratekeeper_engine::{Decision, Denial, Engine, EngineError, Outcome, Request};
use ratekeeper_policy::{Attributes, List, Mode, Policy};
use ratekeeper_store::{ManualClock, MemoryConfig, MemoryStore};

use super::ranking::Ranking;
use super::timeline::Timeline;

/// What a rule decided.
#[derive(Debug, Default)]
pub(crate) struct RuleTally {
    pub(crate) name: String,
    pub(crate) shadow: bool,
    pub(crate) off: bool,
    /// Requests that it applied to.
    pub(crate) matched: u64,
    /// Requests that it refused, or would have if it were enforced.
    pub(crate) refused: u64,
    /// Its limits, and how many requests each refused; those of overrides and arms join when they refuse.
    pub(crate) limits: Vec<(Limit, u64)>,
}

/// A policy, its engine over one unbounded store in memory, and counts of what it decided.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) version: String,
    engine: Engine,
    pub(crate) allowed: u64,
    pub(crate) delayed: u64,
    pub(crate) refused: u64,
    pub(crate) listed_allow: u64,
    pub(crate) listed_deny: u64,
    /// Requests that no rule applied to.
    pub(crate) unmatched: u64,
    pub(crate) rules: Vec<RuleTally>,
    pub(crate) ranking: Ranking,
    pub(crate) timeline: Timeline,
}

impl Side {
    pub(crate) fn new(name: String, policy: Policy) -> Result<Self, EngineError> {
        let rules = policy.rules().iter().map(|rule| RuleTally {
            name: rule.name().to_owned(),
            shadow: rule.mode() == Mode::Shadow,
            off: rule.mode() == Mode::Off,
            limits: rule.limits().iter().map(|limit| (limit.limit().clone(), 0)).collect(),
            ..RuleTally::default()
        });
        let rules = rules.collect();
        let version = policy.version().to_owned();
        // A log brings its own time, and no counter may be forgotten while it is replayed.
        let unbounded =
            MemoryConfig { max_keys: usize::MAX / 2, max_bytes: usize::MAX / 2, ..MemoryConfig::default() };
        let clock = Arc::new(ManualClock::default());
        let store = Arc::new(MemoryStore::with_clock(unbounded, Arc::clone(&clock) as _));
        let engine = Engine::builder(policy).only_store(store).clock(clock).build()?;
        Ok(Self {
            name,
            version,
            engine,
            allowed: 0,
            delayed: 0,
            refused: 0,
            listed_allow: 0,
            listed_deny: 0,
            unmatched: 0,
            rules,
            ranking: Ranking::default(),
            timeline: Timeline::new(),
        })
    }

    /// Decides one request of the log, and counts the decision.
    pub(crate) fn decide(
        &mut self,
        attributes: &Attributes<'_>,
        cost: u64,
        time: Timestamp,
    ) -> Option<Outcome> {
        let outcome = self.engine.check_now(&Request::new(*attributes).costing(cost).at(time))?;
        self.count(&outcome, attributes, time);
        Some(outcome)
    }

    fn count(&mut self, outcome: &Outcome, attributes: &Attributes<'_>, time: Timestamp) {
        match outcome.decision {
            Decision::Allow => self.allowed += 1,
            Decision::Delay(_) => (self.allowed, self.delayed) = (self.allowed + 1, self.delayed + 1),
            Decision::Deny(denial) => {
                self.refused += 1;
                self.listed_deny += u64::from(denial == Denial::Listed);
            }
        }
        match outcome.listed() {
            Some(listed) => self.listed_allow += u64::from(listed.list == List::Allow),
            None => self.unmatched += u64::from(outcome.limits.is_empty() && outcome.missing_key.is_empty()),
        }
        self.timeline.add(time, !outcome.allowed());
        self.count_rules(outcome, attributes, time);
    }

    fn count_rules(&mut self, outcome: &Outcome, attributes: &Attributes<'_>, time: Timestamp) {
        for &index in &outcome.missing_key {
            self.rules[index].matched += 1;
            self.rules[index].refused += 1;
        }
        let mut limits = outcome.limits.as_slice();
        // The limits of a rule stand together.
        while let Some(first) = limits.first() {
            let of_rule = limits.iter().take_while(|limit| limit.rule == first.rule).count();
            let (mine, rest) = limits.split_at(of_rule);
            limits = rest;
            let rule = &mut self.rules[first.rule];
            rule.matched += 1;
            let refusing = mine.iter().filter(|limit| !limit.allowed);
            for limit in refusing.clone() {
                match rule.limits.iter_mut().find(|(known, _)| *known == limit.limit) {
                    Some((_, count)) => *count += 1,
                    None => rule.limits.push((limit.limit.clone(), 1)),
                }
            }
            if refusing.count() > 0 {
                rule.refused += 1;
                if !rule.shadow {
                    self.ranking.add(first.rule, outcome.rule(first).subject(attributes), time);
                }
            }
        }
    }
}
