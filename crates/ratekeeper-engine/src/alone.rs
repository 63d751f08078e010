//! The common case: a request of one part that one store answers alone, with nothing to hold and nothing to give back. What
//! [`decide`](crate::decide) comes to in such a case, without the books that it keeps.

use std::sync::Arc;

use ratekeeper_core::{Holder, Micros, Op};
use ratekeeper_policy::{Applicable, AppliedRule, Mode};
use ratekeeper_store::{Batch, StoreError};
use smallvec::SmallVec;

use crate::asking::Asking;
use crate::decide::check;
use crate::tally::{cost, holds};
use crate::{Decision, Degraded, Denial, LimitOutcome, Outcome};

/// The one store of a request; `None` if this is another case.
pub(crate) fn store(asking: &Asking<'_>, applicable: &Applicable<'_>) -> Option<usize> {
    let simple = matches!(asking.op, Op::Take | Op::Peek | Op::Charge)
        && asking.parts.len() == 1
        && applicable
            .rules()
            .iter()
            .all(|rule| rule.refused.is_none() && rule.rule.mode() != Mode::Quota)
        && !applicable.limits().iter().any(|limit| holds(limit.limit));
    let of = |rule: &AppliedRule<'_>| asking.current.store_of_rule[rule.index];
    let mut counting = applicable.rules().iter().filter(|rule| !rule.limits.is_empty());
    let place = counting.next().map_or(0, of);
    (simple && counting.all(|rule| of(rule) == place)).then_some(place)
}

/// Writes down what that store is asked: nothing if nothing is counted.
pub(crate) fn write_question<'a>(
    asking: &Asking<'_>,
    applicable: &'a Applicable<'_>,
    place: usize,
    batch: &mut Batch<'a>,
) {
    batch.now = asking.now_of(&asking.current.used[place]);
    if !applicable.limits().is_empty() {
        let checks = each_limit(applicable).map(|(place, rule, limit)| {
            let cost = cost(rule.cost, asking.parts[0].cost, asking.op, applicable.limits()[limit].limit);
            check(applicable, limit, (place, rule.rule.mode()), cost)
        });
        batch.push_by(asking.op, Holder::default(), checks);
    }
}

/// Whether the store has decided; else the failure policies of the rules do.
pub(crate) fn is_decided(answer: &Result<(), StoreError>, batch: &Batch<'_>) -> bool {
    answer.is_ok() && batch.units().iter().all(|unit| unit.error.is_none())
}

/// Every limit by its place, with its rule and the place of that.
fn each_limit<'a, 'p>(
    applicable: &'a Applicable<'p>,
) -> impl Iterator<Item = (usize, &'a AppliedRule<'p>, usize)> {
    let rules = applicable.rules().iter().enumerate();
    rules.flat_map(|(place, rule)| rule.limits.clone().map(move |limit| (place, rule, limit)))
}

/// The outcome of what the store has answered; there always is one.
pub(crate) fn outcome(
    asking: &Asking<'_>,
    applicable: &Applicable<'_>,
    batch: &Batch<'_>,
) -> Option<Outcome> {
    let (passes, checks) = match batch.units() {
        [] => (true, &[][..]),
        [unit, ..] => (unit.passes, batch.checks(0)),
    };
    let counts_nothing = applicable.rules().iter().filter(|rule| rule.rule.is_unlimited());
    // Made in its place: moving it would cost more than all the rest.
    let mut made = Some(Outcome {
        snapshot: Arc::clone(asking.current),
        decision: Decision::Allow,
        limits: SmallVec::new(),
        missing_key: SmallVec::new(),
        unlimited: counts_nothing.map(|rule| (rule.part, rule.index)).collect(),
        granted: if passes && asking.op != Op::Peek {
            asking.parts[0].cost
        } else {
            0
        },
        decided_at: asking.now,
        listed: None,
        receipt: None,
    });
    let outcome = made.as_mut()?;
    let mut delay = Micros::ZERO;
    for ((_, rule, limit), check) in each_limit(applicable).zip(checks) {
        // What a store knows of others may refuse the request before it looks at this one.
        let Some(verdict) = check.verdict else { continue };
        let mode = rule.rule.mode();
        if mode == Mode::Enforce {
            delay = delay.max(verdict.delay.unwrap_or(Micros::ZERO));
        }
        outcome.limits.push(LimitOutcome {
            part: rule.part,
            rule: rule.index,
            ordinal: applicable.limits()[limit].ordinal,
            mode,
            limit: check.limit.clone(),
            cost: check.cost,
            allowed: verdict.allowed,
            verdict: Some(verdict),
            degraded: check.degraded.then_some(Degraded::StoreFull),
        });
    }
    if !passes {
        outcome.decision = Decision::Deny(Denial::Limit);
    } else if delay > Micros::ZERO {
        outcome.decision = Decision::Delay(delay);
    }
    made
}
