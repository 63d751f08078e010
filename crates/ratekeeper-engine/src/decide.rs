//! Deciding one request: list, rules, one unit per store, outcome.

use std::sync::Arc;

use ratekeeper_core::{Holder, Key, Limit, Op, Token};
use ratekeeper_policy::{Applicable, AppliedRule, Mode};
use ratekeeper_store::{Batch, Check, Group, Store};
use smallvec::SmallVec;

use crate::abandoned::Watch;
use crate::asking::Asking;
use crate::outcome::quotas_used_up;
use crate::plan::{Asked, Plan};
use crate::receipt::{Receipt, Taken};
use crate::tally::{Debit, Tally, holds, place_of};
use crate::{Denial, Outcome, failure};

/// A request on its way through the stores.
pub(crate) struct Deciding<'e, 'p> {
    pub(crate) asking: &'e Asking<'p>,
    pub(crate) applicable: &'e Applicable<'p>,
    pub(crate) holder: Holder,
    /// The store that has been asked already, and has failed.
    pub(crate) failed: Option<usize>,
}

/// Decides a request of any kind; with `reserve`, everything that was taken stands in the outcome's receipt, else only what is
/// held. `failed` is the store that was asked already, and failed.
pub(crate) async fn decide<'q>(
    asking: &Asking<'q>,
    applicable: &Applicable<'q>,
    reserve: bool,
    failed: Option<usize>,
) -> Outcome {
    let Asking { engine, current, parts, op, now, .. } = *asking;
    let holding = applicable.limits().iter().any(|limit| holds(limit.limit));
    let holder = if holding {
        engine.next_holder()
    } else {
        Holder::default()
    };
    let deciding = Deciding { asking, applicable, holder, failed };
    let mut tally = Tally::new(applicable, parts, op);
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
    let counts_nothing = applicable
        .rules()
        .iter()
        .filter(|rule| rule.rule.is_unlimited() && rule.refused.is_none());
    Outcome {
        snapshot: Arc::clone(current),
        decision,
        unlimited: counts_nothing.map(|rule| (rule.part, rule.index)).collect(),
        missing_key: std::mem::take(&mut tally.missing_key),
        limits: tally.into_limits(),
        granted,
        decided_at: now,
        listed: None,
        receipt,
    }
}

impl<'p> Deciding<'_, 'p> {
    /// Asks every store once, in order, those with enforced rules first; once one has refused, the others are only
    /// looked at, and what earlier ones took is given back.
    async fn ask_stores(&self, tally: &mut Tally) {
        let mut later: SmallVec<[(usize, Plan); 1]> = SmallVec::new();
        for place in 0..self.asking.current.used.len() {
            let plan = Plan::new(self, place, tally);
            if plan.unit.iter().any(|asked| tally.limits[asked.limit].mode == Mode::Enforce) {
                self.ask_store(place, &plan, tally).await;
            } else if !plan.is_empty() {
                later.push((place, plan));
            }
        }
        for (place, plan) in later {
            self.ask_store(place, &plan, tally).await;
        }
        if quotas_used_up(&tally.limits) {
            tally.denied.get_or_insert(Denial::Limit);
        }
        self.give_back(tally).await;
    }

    async fn ask_store(&self, place: usize, plan: &Plan, tally: &mut Tally) {
        let used = &self.asking.current.used[place];
        let mut batch = Batch::new();
        batch.now = self.asking.now_of(used);
        for refund in &plan.refunds {
            let check = self.check(refund, Op::Refund, tally).in_group(Group::Enforced);
            batch.push(Op::Refund, [check]);
        }
        let op = self.op_after(tally);
        if !plan.unit.is_empty() {
            batch.push_by(op, self.holder, plan.unit.iter().map(|asked| self.check(asked, op, tally)));
        }
        let answer = match self.failed {
            Some(failed) if failed == place => Err(()),
            _ => used.store.apply(&mut batch).wait().await.map_err(drop),
        };
        let questions = plan.refunds.chunks(1).chain([&plan.unit[..]]).filter(|asked| !asked.is_empty());
        for (unit, asked) in questions.enumerate() {
            // A store over several servers may say of a unit what it does not say of the batch.
            let decided = &batch.units()[unit];
            if answer.is_ok() && decided.error.is_none() {
                tally.record(asked, batch.checks(unit), decided.passes, false);
                continue;
            }
            // It may have been counted all the same: a slot that nobody knows of would be held until its ttl.
            if matches!(op, Op::Take | Op::TakeUpTo) {
                let token = Token::Holder(self.holder);
                let slots = asked.iter().filter(|asked| {
                    matches!(asked.op, Op::Take) && holds(self.applicable.limits()[asked.limit].limit)
                });
                tally.debits.extend(slots.map(|asked| Debit {
                    limit: asked.limit,
                    local: false,
                    token,
                    shared: false,
                }));
            }
            failure::fall_back(self, asked, tally).await;
        }
        tally.joined.extend_from_slice(&plan.joined);
        tally.share();
    }

    /// What is still to be done: nothing more is taken once the request is denied.
    pub(crate) fn op_after(&self, tally: &Tally) -> Op {
        if tally.denied.is_some() {
            Op::Peek
        } else {
            self.asking.op
        }
    }

    /// What is asked of one counter, in a unit whose operation is `unit_op`.
    pub(crate) fn check<'a>(&'a self, asked: &Asked, unit_op: Op, tally: &Tally) -> Check<'a> {
        let limit = asked.limit;
        // What an earlier store has not granted is not asked for again.
        let cost = match (asked.op, tally.denied.is_some()) {
            (Op::TakeUpTo, false) => tally.granted,
            // Only looked at: is there anything left at all?
            (Op::TakeUpTo, true) => tally.granted.min(1),
            _ => asked.cost,
        };
        let place = self.place_of_rule(limit);
        let mode = self.applicable.rules()[place].rule.mode();
        let check = check(self.applicable, limit, (place, mode), cost);
        if asked.op == unit_op || unit_op == Op::Peek {
            check
        } else {
            check.with_op(asked.op)
        }
    }

    /// The rule of a limit, by its place among those that apply.
    fn place_of_rule(&self, limit: usize) -> usize {
        let rules = self.applicable.rules();
        // Limits stand in the order of their rules: the first whose range ends behind this one has it.
        rules.partition_point(|rule| rule.limits.end <= limit).min(rules.len() - 1)
    }

    pub(crate) fn rule_of(&self, limit: usize) -> &AppliedRule<'p> {
        &self.applicable.rules()[self.place_of_rule(limit)]
    }

    /// Gives back what stores took before another one refused, or granted less of a partial take.
    async fn give_back(&self, tally: &mut Tally) {
        let granted = if tally.denied.is_some() { 0 } else { tally.granted };
        let mut back: SmallVec<[(Debit, u64); 3]> = SmallVec::new();
        for debit in std::mem::take(&mut tally.debits) {
            let line = &tally.limits[debit.limit];
            let taken = line.verdict.map_or(0, |verdict| verdict.granted);
            let keep = match self.asking.op {
                _ if tally.denied.is_some() => 0,
                Op::TakeUpTo if !holds(&line.limit) => granted,
                _ => taken,
            };
            if keep > 0 || tally.denied.is_none() {
                tally.debits.push(debit);
            }
            if keep < taken || (tally.denied.is_some() && self.asking.op != Op::Peek) {
                back.push((debit, taken - keep));
            }
        }
        while let Some((first, _)) = back.first() {
            let place = self.place_of(first);
            let (here, elsewhere) = back.into_iter().partition(|(debit, _)| self.place_of(debit) == place);
            self.refund(place, here, tally).await;
            back = elsewhere;
        }
        tally.share();
    }

    /// The store of a debit by its place; `None` for the limiter of this process.
    fn place_of(&self, debit: &Debit) -> Option<usize> {
        let rule = self.rule_of(debit.limit);
        (!debit.local).then(|| self.asking.current.store_of_rule[rule.index])
    }

    /// Gives back to one store, all at once.
    async fn refund(&self, place: Option<usize>, debits: SmallVec<[(Debit, u64); 3]>, tally: &mut Tally) {
        let scaled: SmallVec<[Option<Limit>; 3]> = debits
            .iter()
            .map(|(debit, _)| failure::local_limit(self.rule_of(debit.limit), self.applicable, debit))
            .collect();
        let mut batch = Batch::new();
        for ((debit, cost), scaled) in debits.iter().zip(&scaled) {
            let asked = Asked { limit: debit.limit, op: Op::Refund, cost: *cost };
            let mut check = self.check(&asked, Op::Refund, tally).with_token(debit.token);
            check.group = Group::Enforced;
            check.degraded = debit.shared;
            if let Some(scaled) = scaled {
                check.limit = scaled;
            }
            batch.push(Op::Refund, [check]);
        }
        let answer = match place {
            None => {
                batch.now = Some(self.asking.now);
                self.asking.engine.local.apply(&mut batch).wait().await
            }
            Some(place) => {
                let used = &self.asking.current.used[place];
                batch.now = self.asking.now_of(used);
                used.store.apply(&mut batch).wait().await
            }
        };
        for (unit, (debit, cost)) in debits.iter().enumerate() {
            let after = batch.checks(unit)[0].verdict.filter(|_| answer.is_ok());
            // A refund that fails leaves the cost spent: never beyond the envelope, less than it for a while.
            if let (Some(after), Some(line)) = (after, tally.limits.get_mut(debit.limit))
                && let Some(verdict) = &mut line.verdict
            {
                (verdict.remaining, verdict.reset_after) = (after.remaining, after.reset_after);
                verdict.granted = verdict.granted.saturating_sub(*cost);
            }
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
                factor: if self.asking.op == Op::TakeUpTo {
                    1
                } else {
                    rule.cost
                },
                shared: debit.shared,
            });
        }
        Receipt { units: tally.granted, taken }
    }
}

/// What is asked of one counter for a limit of the rule at this place, with this mode.
pub(crate) fn check<'a>(
    applicable: &'a Applicable<'_>,
    limit: usize,
    (place, mode): (usize, Mode),
    cost: u64,
) -> Check<'a> {
    // The policy makes no key that is longer than the longest.
    let key = Key::scoped(applicable.key(limit), applicable.scope_len(limit)).unwrap_or_default();
    let group = match mode {
        Mode::Enforce => Group::Enforced,
        _ => Group::Shadow(u16::try_from(place).unwrap_or(u16::MAX)),
    };
    Check::new(key, applicable.limits()[limit].limit, cost).in_group(group)
}
