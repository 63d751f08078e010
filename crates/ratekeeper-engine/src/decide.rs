//! Deciding one request: list, rules, one unit per store, outcome.

use std::sync::Arc;

use ratekeeper_core::{Holder, Key, Op, Timestamp, Token};
use ratekeeper_policy::{Applicable, AppliedRule, List, Mode};
use ratekeeper_store::{Batch, Check, Group, Store};
use smallvec::SmallVec;

use crate::abandoned::Watch;
use crate::receipt::{Receipt, Taken};
use crate::snapshot::Snapshot;
use crate::tally::{Debit, Tally, holds, place_of};
use crate::{Decision, Denial, Engine, Outcome, Request, failure};

/// Places of limits in [`Applicable::limits`].
pub(crate) type Places = SmallVec<[usize; 6]>;

/// A request on its way through the stores.
pub(crate) struct Deciding<'e, 'p> {
    pub(crate) engine: &'e Engine,
    pub(crate) snapshot: &'p Snapshot,
    pub(crate) applicable: &'e Applicable<'p>,
    pub(crate) op: Op,
    pub(crate) now: Timestamp,
    pub(crate) injected: bool,
    pub(crate) holder: Holder,
}

/// Decides `request`; with `reserve`, everything that was taken stands in the outcome's receipt, else only what is held.
pub(crate) async fn decide(
    engine: &Engine,
    current: Arc<Snapshot>,
    request: &Request<'_>,
    reserve: bool,
) -> Outcome {
    let op = Op::from(request.op);
    let snapshot: &Snapshot = &current;
    let now = request.now.unwrap_or_else(|| engine.clock.now());
    if let Some(listed) = snapshot.policy.listed(&request.attributes, now) {
        let list = (listed.list, listed.reason.map(str::to_owned));
        let granted = if op == Op::Peek { 0 } else { request.cost };
        return listed_outcome(current, list, granted);
    }
    let mut applicable = Applicable::new();
    snapshot.policy.applicable(&request.attributes, 1, now, &mut applicable);
    let holding = applicable.limits().iter().any(|limit| holds(limit.limit));
    let holder = if holding {
        engine.next_holder()
    } else {
        Holder::default()
    };
    let deciding = Deciding {
        engine,
        snapshot,
        applicable: &applicable,
        op,
        now,
        injected: request.now.is_some(),
        holder,
    };
    let mut tally = Tally::new(&applicable, request.cost, op);
    if holding {
        engine.abandoned.release().await;
        let mut watch = Watch { deciding: &deciding, decided: false };
        deciding.ask_stores(&mut tally).await;
        watch.decided = true;
    } else {
        deciding.ask_stores(&mut tally).await;
    }
    let receipt = if tally.denied.is_none() && (reserve || holding) {
        Some(Box::new(deciding.receipt(&tally, reserve)))
    } else {
        None
    };
    let decision = tally.decision();
    let granted = if tally.denied.is_some() || op == Op::Peek {
        0
    } else {
        tally.granted
    };
    drop(applicable);
    Outcome {
        snapshot: current,
        decision,
        missing_key: std::mem::take(&mut tally.missing_key),
        limits: tally.into_limits(),
        granted,
        listed: None,
        receipt,
    }
}

fn listed_outcome(snapshot: Arc<Snapshot>, listed: (List, Option<String>), cost: u64) -> Outcome {
    let allowed = listed.0 == List::Allow;
    Outcome {
        snapshot,
        decision: if allowed {
            Decision::Allow
        } else {
            Decision::Deny(Denial::Listed)
        },
        limits: SmallVec::new(),
        missing_key: SmallVec::new(),
        granted: if allowed { cost } else { 0 },
        listed: Some(listed),
        receipt: None,
    }
}

impl<'p> Deciding<'_, 'p> {
    /// Asks every store once, in order, those with enforced rules first; once one has refused, the others are only
    /// looked at, and what earlier ones took is given back.
    async fn ask_stores(&self, tally: &mut Tally) {
        for enforced in [true, false] {
            for place in 0..self.snapshot.used.len() {
                let limits = self.limits_in(place);
                let decides = limits.iter().any(|limit| tally.limits[*limit].mode == Mode::Enforce);
                if limits.is_empty() || decides != enforced {
                    continue;
                }
                self.ask_store(place, &limits, tally).await;
            }
        }
        self.give_back(tally).await;
    }

    /// The limits whose rules count in the store at `place`.
    fn limits_in(&self, place: usize) -> Places {
        let rules = self.applicable.rules().iter();
        let rules = rules.filter(|rule| self.snapshot.store_of_rule.get(rule.index) == Some(&place));
        let limits = rules.flat_map(|rule| rule.limits.clone());
        // A charge comes when the request is done: there is nothing left to hold.
        let asked = |limit: &usize| self.op != Op::Charge || !holds(self.applicable.limits()[*limit].limit);
        limits.filter(asked).collect()
    }

    async fn ask_store(&self, place: usize, limits: &[usize], tally: &mut Tally) {
        let used = &self.snapshot.used[place];
        let mut batch = Batch::new();
        batch.now = (self.injected || used.same_clock).then_some(self.now);
        batch.push_by(
            self.op_after(tally),
            self.holder,
            limits.iter().map(|limit| self.check(*limit, tally)),
        );
        let answer = used.store.apply(&mut batch).wait().await;
        // A store over several servers may say of a unit what it does not say of the batch.
        let unit = &batch.units()[0];
        if answer.is_ok() && unit.error.is_none() {
            tally.record(limits, batch.checks(0), unit.passes, false);
        } else {
            // It may have been counted all the same: a slot that nobody knows of would be held until its ttl.
            if matches!(self.op_after(tally), Op::Take | Op::TakeUpTo) {
                let token = Token::Holder(self.holder);
                let slots = limits.iter().filter(|limit| holds(self.applicable.limits()[**limit].limit));
                tally.debits.extend(slots.map(|limit| Debit {
                    limit: *limit,
                    local: false,
                    token,
                    shared: false,
                }));
            }
            failure::fall_back(self, limits, tally).await;
        }
    }

    /// What is still to be done: nothing more is taken once the request is denied.
    pub(crate) fn op_after(&self, tally: &Tally) -> Op {
        if tally.denied.is_some() { Op::Peek } else { self.op }
    }

    pub(crate) fn check<'a>(&'a self, limit: usize, tally: &Tally) -> Check<'a> {
        let applied = &self.applicable.limits()[limit];
        let key = self.applicable.key(limit);
        // The policy makes no key that is longer than the longest.
        let key = Key::scoped(key, self.applicable.scope_len(limit)).unwrap_or_default();
        let rule = self.rule_of(limit);
        let partial = self.op == Op::TakeUpTo && !holds(applied.limit);
        // What an earlier store has not granted is not asked for again.
        let cost = match (partial, tally.denied.is_some()) {
            (false, _) => tally.limits[limit].cost,
            (true, false) => tally.granted,
            // Only looked at: is there anything left at all?
            (true, true) => tally.granted.min(1),
        };
        let group = match rule.rule.mode() {
            Mode::Enforce => Group::Enforced,
            _ => Group::Shadow(u16::try_from(rule.index).unwrap_or(u16::MAX)),
        };
        let check = Check::new(key, applied.limit, cost).in_group(group);
        let holds_whole = holds(applied.limit) && self.op_after(tally) == Op::TakeUpTo;
        if holds_whole {
            check.with_op(Op::Take)
        } else {
            check
        }
    }

    pub(crate) fn rule_of(&self, limit: usize) -> &AppliedRule<'p> {
        let rules = self.applicable.rules();
        // Limits stand in the order of their rules: the first whose range ends behind this one has it.
        let index = rules.partition_point(|rule| rule.limits.end <= limit);
        &rules[index.min(rules.len() - 1)]
    }

    /// Gives back what stores took before another one refused, or granted less of a partial take.
    async fn give_back(&self, tally: &mut Tally) {
        let granted = if tally.denied.is_some() { 0 } else { tally.granted };
        let debits = std::mem::take(&mut tally.debits);
        let mut kept = SmallVec::new();
        for debit in debits {
            let line = &tally.limits[debit.limit];
            let taken = line.verdict.map_or(0, |verdict| verdict.granted);
            let keep = match self.op {
                _ if tally.denied.is_some() => 0,
                Op::TakeUpTo if !holds(&line.limit) => granted,
                _ => taken,
            };
            if keep < taken || (tally.denied.is_some() && self.op != Op::Peek) {
                self.refund(&debit, taken - keep, tally).await;
            }
            if keep > 0 || tally.denied.is_none() {
                kept.push(debit);
            }
        }
        tally.debits = kept;
    }

    async fn refund(&self, debit: &Debit, cost: u64, tally: &mut Tally) {
        let scaled = failure::local_limit(self.rule_of(debit.limit), self.applicable, debit);
        let mut check = self.check(debit.limit, tally).with_token(debit.token);
        check.group = Group::Enforced;
        check.cost = cost;
        check.degraded = debit.shared;
        if let Some(scaled) = &scaled {
            check.limit = scaled;
        }
        let mut batch = Batch::new();
        batch.now = Some(self.now);
        batch.push(Op::Refund, [check]);
        let answer = if debit.local {
            self.engine.local.apply(&mut batch).wait().await
        } else {
            let place = self.snapshot.store_of_rule[self.rule_of(debit.limit).index];
            let used = &self.snapshot.used[place];
            batch.now = (self.injected || used.same_clock).then_some(self.now);
            used.store.apply(&mut batch).wait().await
        };
        // A refund that fails leaves the cost spent: never beyond the envelope, less than it for a while.
        let after = batch.checks(0)[0].verdict;
        if let (Ok(()), Some(after), Some(line)) = (answer, after, tally.limits.get_mut(debit.limit))
            && let Some(verdict) = &mut line.verdict
        {
            (verdict.remaining, verdict.reset_after) = (after.remaining, after.reset_after);
            verdict.granted = verdict.granted.saturating_sub(cost);
        }
    }

    /// What a later settlement or release needs.
    fn receipt(&self, tally: &Tally, everything: bool) -> Receipt {
        let mut taken = Vec::new();
        for debit in &tally.debits {
            let (rule, applied) = (self.rule_of(debit.limit), &self.applicable.limits()[debit.limit]);
            if !everything && !holds(applied.limit) {
                continue;
            }
            let scaled = failure::local_limit(rule, self.applicable, debit);
            taken.push(Taken {
                place: place_of(rule, debit.local),
                key: self.applicable.key(debit.limit).to_vec(),
                scope: self.applicable.scope_len(debit.limit),
                limit: scaled.unwrap_or_else(|| applied.limit.clone()),
                token: debit.token,
                factor: if self.op == Op::TakeUpTo { 1 } else { rule.cost },
                shared: debit.shared,
            });
        }
        Receipt { units: tally.granted, taken }
    }
}
