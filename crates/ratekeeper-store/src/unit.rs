//! Deciding one unit: evaluate every check, decide, then write; the same for every store that decides in Rust.

use ratekeeper_core::step::{self, Evaluation};
use ratekeeper_core::{Micros, Op, Stored, Timestamp, Verdict};
use smallvec::SmallVec;

use crate::{Batch, Check, Group, StoreError, Unit};

/// The working copies of a unit's counters, by the index of the check.
pub trait Counters {
    /// The state of the counter of check `index`, an absent one's included; `None` if the store refuses the key unseen.
    fn state(&mut self, index: usize) -> Option<&mut Stored>;

    /// The counter of check `index` has been written.
    fn wrote(&mut self, index: usize);
}

/// Refuses a batch that asks what cannot be done, before anything is written.
///
/// # Errors
/// If a unit names a key twice, or asks for an operation that a limit does not have.
pub fn validate(batch: &Batch<'_>) -> Result<(), StoreError> {
    for (index, unit) in batch.units().iter().enumerate() {
        let checks = batch.checks(index);
        for (place, check) in checks.iter().enumerate() {
            step::validate(check.limit, &check.ask(unit.op, unit.holder))?;
            // Equal bytes are one counter, whatever their scopes.
            if checks[..place].iter().any(|other| other.key.bytes() == check.key.bytes()) {
                return Err(StoreError::DuplicateKey { key: check.key.bytes().escape_ascii().to_string() });
            }
        }
    }
    Ok(())
}

/// Decides `unit` at `now` over its counters, writes to those that it debits, and leaves the verdicts in `checks`.
pub fn decide(unit: &mut Unit, checks: &mut [Check<'_>], now: Timestamp, counters: &mut impl Counters) {
    let (op, holder) = (unit.op, unit.holder);
    let mut evaluations: SmallVec<[Evaluation; 6]> = SmallVec::new();
    for (index, check) in checks.iter_mut().enumerate() {
        let phase = check.limit.phase(check.key.bytes());
        evaluations.push(match counters.state(index) {
            Some(state) => step::evaluate(state, check.limit, now, phase, &check.ask(op, holder)),
            None => Evaluation { passes: false, grantable: 0, delay: None },
        });
    }
    let request = Request::of(op, checks, &evaluations);
    unit.passes = request.passes;
    for index in 0..checks.len() {
        let granted = request.granted(index, checks, &evaluations);
        let check = &mut checks[index];
        let phase = check.limit.phase(check.key.bytes());
        let ask = check.ask(op, holder);
        let Some(state) = counters.state(index) else {
            check.verdict = Some(refused_unseen(check));
            continue;
        };
        let before = state.tag;
        let verdict = step::conclude(state, check.limit, now, phase, &ask, &evaluations[index], granted);
        let carried_over = state.tag != before;
        check.verdict = Some(verdict);
        if granted.is_some() || carried_over {
            counters.wrote(index);
        }
    }
}

/// What a unit as a whole comes to.
struct Request {
    op: Op,
    passes: bool,
    /// How much every debited check takes of a partial take.
    share: u64,
}

impl Request {
    fn of(op: Op, checks: &[Check<'_>], evaluations: &[Evaluation]) -> Self {
        let enforced = || checks.iter().zip(evaluations).filter(|(check, _)| check.group == Group::Enforced);
        let partial = |check: &Check<'_>| check.op.unwrap_or(op) == Op::TakeUpTo;
        let asked = checks.iter().filter(|check| partial(check)).map(|check| check.cost).min().unwrap_or(0);
        let granted =
            enforced().filter(|(check, _)| partial(check)).map(|(_, evaluation)| evaluation.grantable);
        let share = granted.min().unwrap_or(asked);
        Self { op, passes: enforced().all(|(_, evaluation)| evaluation.passes), share }
    }

    /// What is written to check `index`, if anything is.
    fn granted(&self, index: usize, checks: &[Check<'_>], evaluations: &[Evaluation]) -> Option<u64> {
        let check = &checks[index];
        let op = check.op.unwrap_or(self.op);
        let partial = op == Op::TakeUpTo;
        let group_passes = match check.group {
            Group::Enforced => self.passes,
            Group::Shadow(_) => {
                let own = checks.iter().zip(evaluations).filter(|(other, _)| other.group == check.group);
                let fits = |evaluation: &Evaluation| !partial || evaluation.grantable >= self.share;
                self.passes && own.into_iter().all(|(_, evaluation)| evaluation.passes && fits(evaluation))
            }
        };
        step::writes(op, group_passes).then_some(if partial { self.share } else { check.cost })
    }
}

/// The verdict of a key that a full store refuses: it may ask again soon, since others become idle all the time.
fn refused_unseen(check: &Check<'_>) -> Verdict {
    let wait = check.limit.window().min(Micros::SECOND);
    Verdict {
        allowed: false,
        granted: 0,
        remaining: 0,
        retry_after: Some(wait),
        reset_after: wait,
        delay: None,
        token: None,
    }
}
