//! What is known of a request while its stores are asked one after the other.

use ratekeeper_core::{Algorithm, Limit, Micros, Op, Token};
use ratekeeper_policy::{Applicable, AppliedRule, Mode};
use ratekeeper_store::Check;
use smallvec::SmallVec;

use crate::plan::Asked;
use crate::receipt::Place;
use crate::{Decision, Degraded, Denial, LimitOutcome, Part};

/// A counter that has been debited, while the request is not decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Debit {
    /// Its place among the limits.
    pub(crate) limit: usize,
    /// Whether the limiter of this process holds it.
    pub(crate) local: bool,
    pub(crate) token: Token,
    pub(crate) shared: bool,
}

/// The answers so far.
pub(crate) struct Tally {
    pub(crate) limits: SmallVec<[LimitOutcome; 3]>,
    pub(crate) missing_key: SmallVec<[usize; 1]>,
    pub(crate) denied: Option<Denial>,
    /// How much the stores so far have granted of a partial take.
    pub(crate) granted: u64,
    pub(crate) debits: SmallVec<[Debit; 3]>,
    delay: Option<Micros>,
    partial: bool,
    /// Limits whose counter another limit stands for, and that limit.
    pub(crate) joined: SmallVec<[(usize, usize); 1]>,
    /// Places of limits that a store did not look at, since what it knew of others refused the request already.
    unseen: SmallVec<[usize; 2]>,
}

impl Tally {
    /// Nothing asked yet: a line for every limit, and the rules that refuse for want of a key.
    pub(crate) fn new(applicable: &Applicable<'_>, parts: &[Part<'_>], op: Op) -> Self {
        let mut limits = SmallVec::new();
        let (mut missing_key, mut denied) = (SmallVec::new(), None);
        for rule in applicable.rules() {
            let units = parts[rule.part].cost;
            limits.extend(applicable.limits_of(rule).iter().map(|limit| LimitOutcome {
                part: rule.part,
                rule: rule.index,
                ordinal: limit.ordinal,
                mode: rule.rule.mode(),
                limit: limit.limit.clone(),
                cost: cost(rule.cost, units, op, limit.limit),
                allowed: true,
                verdict: None,
                degraded: None,
            }));
            if rule.refused.is_some() {
                missing_key.push(rule.index);
                if rule.rule.mode() == Mode::Enforce {
                    denied = Some(Denial::MissingKey);
                }
            }
        }
        Self {
            limits,
            missing_key,
            denied,
            granted: granted(parts, op),
            debits: SmallVec::new(),
            delay: None,
            partial: op == Op::TakeUpTo,
            joined: SmallVec::new(),
            unseen: SmallVec::new(),
        }
    }

    /// Notes what a store says of the counters that it was asked for.
    pub(crate) fn record(&mut self, asked: &[Asked], checks: &[Check<'_>], passes: bool, local: bool) {
        for (&Asked { limit: place, .. }, check) in asked.iter().zip(checks) {
            let Some(limit) = self.limits.get_mut(place) else {
                continue;
            };
            let Some(verdict) = check.verdict else {
                self.unseen.push(place);
                continue;
            };
            limit.allowed = verdict.allowed;
            limit.degraded = match (local, check.degraded) {
                (true, _) => Some(Degraded::Local),
                (false, true) => Some(Degraded::StoreFull),
                (false, false) => None,
            };
            limit.verdict = Some(verdict);
            if let Some(token) = verdict.token {
                self.debits.push(Debit { limit: place, local, token, shared: check.degraded });
                if self.partial && limit.mode == Mode::Enforce && !holds(&limit.limit) {
                    self.granted = self.granted.min(verdict.granted);
                }
            }
            if limit.mode == Mode::Enforce {
                self.delay = self.delay.max(verdict.delay);
            }
        }
        if !passes {
            self.denied.get_or_insert(Denial::Limit);
        }
    }

    /// Tells limits that share a counter with another what was said of that one.
    pub(crate) fn share(&mut self) {
        for (place, other) in &self.joined {
            let LimitOutcome { allowed, verdict, degraded, .. } = self.limits[*other].clone();
            let line = &mut self.limits[*place];
            (line.allowed, line.verdict, line.degraded) = (allowed, verdict, degraded);
        }
    }

    /// What the outcome says of limits: nothing of those that were not looked at.
    pub(crate) fn into_limits(mut self) -> SmallVec<[LimitOutcome; 3]> {
        if self.unseen.is_empty() {
            return self.limits;
        }
        self.unseen.sort_unstable();
        let unseen = |place: usize| self.unseen.binary_search(&place).is_ok();
        let shared =
            |place: usize| self.joined.iter().find(|(joined, _)| *joined == place).map(|(_, other)| *other);
        let mut place = 0;
        self.limits.retain(|_| {
            let gone = unseen(place) || shared(place).is_some_and(unseen);
            place += 1;
            !gone
        });
        self.limits
    }

    /// Notes that a limit was decided without a counter.
    pub(crate) fn record_failure(&mut self, place: usize, degraded: Degraded) {
        let Some(limit) = self.limits.get_mut(place) else {
            return;
        };
        limit.degraded = Some(degraded);
        limit.allowed = degraded != Degraded::Denied;
        if degraded == Degraded::Denied && matches!(limit.mode, Mode::Enforce | Mode::Quota) {
            self.denied.get_or_insert(Denial::StoreFailure);
        }
    }

    pub(crate) fn decision(&self) -> Decision {
        match (self.denied, self.delay) {
            (Some(denial), _) => Decision::Deny(denial),
            (None, Some(delay)) if delay > Micros::ZERO => Decision::Delay(delay),
            (None, _) => Decision::Allow,
        }
    }
}

/// What a request takes if nothing refuses it.
fn granted(parts: &[Part<'_>], op: Op) -> u64 {
    let costs = parts.iter().map(|part| part.cost);
    if op == Op::TakeUpTo {
        costs.min().unwrap_or(0)
    } else {
        costs.fold(0, u64::saturating_add)
    }
}

/// What a request costs under a limit. A concurrency limit holds requests, however much they cost; a partial take is of
/// units, the same for every rule.
pub(crate) fn cost(factor: u64, units: u64, op: Op, limit: &Limit) -> u64 {
    match op {
        _ if holds(limit) => factor,
        Op::TakeUpTo => units,
        _ => factor.saturating_mul(units),
    }
}

/// Whether a limit holds requests until they are done.
pub(crate) fn holds(limit: &Limit) -> bool {
    limit.algorithm() == Algorithm::Concurrency
}

/// Where the counter of a limit is, for a receipt.
pub(crate) fn place_of(rule: &AppliedRule<'_>, local: bool) -> Place {
    if local {
        Place::Local
    } else {
        Place::Named(rule.rule.store().to_owned())
    }
}
