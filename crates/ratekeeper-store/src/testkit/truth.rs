//! What a store must answer: units over core's `step`, written from their definition and not from `unit::decide`.

use std::collections::BTreeMap;

use ratekeeper_core::step::{self, Evaluation};
use ratekeeper_core::{Holder, Op, StepError, Stored, Timestamp, Verdict};

use super::Subject;
use crate::{Batch, Check, Group, StoreError};

/// All counters, by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth(BTreeMap<Vec<u8>, Stored>);

impl Truth {
    /// Whether the unit passes, and its verdicts.
    pub(crate) fn decide(
        &mut self,
        now: Timestamp,
        (op, holder): (Op, Holder),
        checks: &[Check<'_>],
    ) -> Result<(bool, Vec<Verdict>), StepError> {
        for check in checks {
            step::validate(check.limit, &check.ask(op, holder))?;
        }
        let mut states = Vec::new();
        let mut evaluations = Vec::new();
        for check in checks {
            let stored = self.0.get(check.key.bytes()).cloned();
            let stored = stored.unwrap_or_else(|| Stored::absent(check.limit));
            let phase = check.limit.phase(check.key.bytes());
            evaluations.push(step::evaluate(&stored, check.limit, now, phase, &check.ask(op, holder)));
            states.push(stored);
        }
        let decision = decide(op, checks, &evaluations);
        let mut verdicts = Vec::new();
        for (index, check) in checks.iter().enumerate() {
            let granted = decision.granted[index];
            let (ask, phase) = (check.ask(op, holder), check.limit.phase(check.key.bytes()));
            let stored = &mut states[index];
            verdicts.push(step::conclude(
                stored,
                check.limit,
                now,
                phase,
                &ask,
                &evaluations[index],
                granted,
            ));
            match granted {
                Some(_) if ask.op == Op::Reset => drop(self.0.remove(check.key.bytes())),
                Some(_) => drop(self.0.insert(check.key.bytes().to_vec(), stored.clone())),
                // A refusal writes nothing, but that a limit has changed.
                None => drop(self.0.get_mut(check.key.bytes()).map(|old| *old = stored.clone())),
            }
        }
        Ok((decision.passes, verdicts))
    }
}

struct Decision {
    passes: bool,
    /// What each check writes, if it writes.
    granted: Vec<Option<u64>>,
}

fn decide(op: Op, checks: &[Check<'_>], evaluations: &[Evaluation]) -> Decision {
    let both = || checks.iter().zip(evaluations);
    let mut passes = true;
    let (mut grantable, mut asked) = (None::<u64>, u64::MAX);
    for (check, evaluation) in both() {
        let enforced = check.group == Group::Enforced;
        passes &= !enforced || evaluation.passes;
        if check.op.unwrap_or(op) == Op::TakeUpTo {
            asked = asked.min(check.cost);
            if enforced {
                grantable = Some(grantable.unwrap_or(u64::MAX).min(evaluation.grantable));
            }
        }
    }
    let share = grantable.unwrap_or(asked);
    let granted = checks.iter().map(|check| {
        let op = check.op.unwrap_or(op);
        let cost = if op == Op::TakeUpTo { share } else { check.cost };
        let mut group_passes = passes;
        if check.group != Group::Enforced {
            for (_, evaluation) in both().filter(|(other, _)| other.group == check.group) {
                group_passes &= evaluation.passes;
                group_passes &= op != Op::TakeUpTo || evaluation.grantable >= share;
            }
        }
        (group_passes && op != Op::Peek).then_some(cost)
    });
    Decision { passes, granted: granted.collect() }
}

/// Applies a batch to the store and to the truth, and fails unless they agree. The verdicts stay in the batch.
pub(crate) fn compare(subject: &Subject, truth: &mut Truth, batch: &mut Batch<'_>) {
    let now = batch.now.expect("only at an injected instant the answer is known");
    let mut expected = Vec::new();
    let mut after = truth.clone();
    for (index, unit) in batch.units().iter().enumerate() {
        match after.decide(now, (unit.op, unit.holder), batch.checks(index)) {
            Ok(decided) => expected.push(decided),
            Err(error) => {
                assert_eq!(subject.apply(batch), Err(StoreError::Step(error)));
                return;
            }
        }
    }
    *truth = after;
    let answer = subject.apply(batch);
    assert_eq!(answer, Ok(()), "at {}", now.as_micros());
    for (index, (passes, verdicts)) in expected.into_iter().enumerate() {
        let unit = &batch.units()[index];
        for (check, expected) in batch.checks(index).iter().zip(verdicts) {
            assert!(!check.degraded, "the store is full: examine one with room for some thousand keys");
            assert_eq!(
                check.verdict,
                Some(expected),
                "{:?} {} of {:?} under {} at {}, unit {index}",
                unit.op,
                check.cost,
                check.key,
                check.limit,
                now.as_micros(),
            );
        }
        assert_eq!(unit.passes, passes, "{:?} as a whole at {}, unit {index}", unit.op, now.as_micros());
    }
}
