//! Stores whose keys lie apart: what a unit asks of several parts is reserved, and given back on a refusal.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use ratekeeper_core::{Key, Op, Token, Verdict};
use smallvec::SmallVec;

use crate::{Batch, BoxFuture, Check, Group, StoreError, Unit, unit};

/// A store that decides a unit in one atomic step as far as its keys are in one part: a slot of a cluster, a node.
pub trait Parts: Sync {
    /// The part that a key is in.
    fn part_of(&self, key: Key<'_>) -> u64;

    /// Applies a batch whose keys are all in one part.
    fn apply_part<'a, 'b: 'a>(&'a self, part: u64, batch: &'a mut Batch<'b>) -> BoxFuture<'a>;
}

/// Applies a batch over any number of parts.
///
/// Every part is asked once, all at the same time. Only where one part refused what others took, or granted less of a
/// partial take, a second round gives it back: never beyond the envelope net of refunds, less than it for a moment. What
/// cannot be taken back (a charge, a refund, a reset) waits for the second round, until the unit is known to pass.
///
/// A part that fails is the error of the units that asked it, in [`Unit::error`](crate::Unit::error); what they took
/// elsewhere is given back as far as that can be done: not if the caller gives up meanwhile.
///
/// # Errors
/// As [`unit::validate`]; or the first failure, if every unit failed.
pub async fn apply_in_parts<'b>(store: &impl Parts, batch: &mut Batch<'b>) -> Result<(), StoreError> {
    unit::validate(batch)?;
    let units = 0..batch.units().len();
    let parts: Vec<SmallVec<[u64; 4]>> = units
        .map(|unit| batch.checks(unit).iter().map(|check| store.part_of(check.key)).collect())
        .collect();
    let mut all = parts.iter().flatten();
    let Some(&first) = all.next() else {
        batch.each_unit().for_each(|(unit, _)| unit.passes = true);
        return Ok(());
    };
    if all.all(|part| *part == first) {
        return store.apply_part(first, batch).await;
    }
    for (unit, checks) in batch.each_unit() {
        (unit.passes, unit.error) = (true, None);
        checks.iter_mut().for_each(|check| check.verdict = None);
    }
    let mut first_round = Round::default();
    for (index, parts) in parts.iter().enumerate() {
        first_round.ask(batch, index, parts);
    }
    first_round.apply(store, batch).await;
    let apart = |index: &usize| parts[*index].iter().any(|part| *part != parts[*index][0]);
    let mut second_round = Round::default();
    // The last first: of a queue only the last in line can leave.
    for index in (0..parts.len()).rev().filter(apart) {
        second_round.give_back(batch, index, &parts[index]);
    }
    for index in (0..parts.len()).filter(apart) {
        second_round.ask_late(batch, index, &parts[index]);
    }
    let whole: Vec<bool> = batch.units().iter().map(|unit| unit.error.is_none()).collect();
    second_round.apply(store, batch).await;
    // What could not be done after all must not have been paid for, unless a part of it was done and cannot be taken back.
    let mut third_round = Round::default();
    for index in (0..parts.len()).rev().filter(apart) {
        let (unit, checks) = (&batch.units()[index], batch.checks(index));
        let is_done = |check: &Check<'_>| {
            is_late(unit.op, check) && check.verdict.is_some_and(|verdict| verdict.token.is_none())
        };
        if whole[index] && unit.error.is_some() && !checks.iter().any(is_done) {
            third_round.give_back(batch, index, &parts[index]);
        }
    }
    third_round.apply(store, batch).await;
    let failed = batch.units().iter().filter_map(|unit| unit.error.as_ref());
    match failed.clone().next() {
        Some(error) if failed.count() == batch.units().len() => Err(error.clone()),
        _ => Ok(()),
    }
}

/// What is asked of every part at the same time.
#[derive(Default)]
struct Round<'b>(BTreeMap<u64, Questions<'b>>);

/// What is asked of one part.
#[derive(Default)]
struct Questions<'b> {
    batch: Batch<'b>,
    /// For every unit of `batch`, which unit of the whole it is of, which of its checks, and what its answers mean.
    origins: Vec<(usize, SmallVec<[usize; 4]>, Meaning)>,
}

/// What an answer of a part is to the unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Its verdicts are the unit's.
    Verdict,
    /// So much was given back of what was taken.
    GivenBack,
    /// It was only looked at, since the unit was refused: it would not have refused.
    LookedAt,
}

impl<'b> Round<'b> {
    fn push(
        &mut self,
        part: u64,
        op: Op,
        origin: (usize, SmallVec<[usize; 4]>, Meaning),
        whole: &Batch<'b>,
        checks: Vec<Check<'b>>,
    ) {
        let questions = self.0.entry(part).or_default();
        questions.batch.now = whole.now;
        questions.batch.push_by(op, whole.units()[origin.0].holder, checks);
        questions.origins.push(origin);
    }

    /// The first round of a unit: everything that can be taken back, or all of it if it is in one part.
    fn ask(&mut self, batch: &Batch<'b>, index: usize, parts: &[u64]) {
        let (unit, checks) = (&batch.units()[index], batch.checks(index));
        let apart = parts.iter().any(|part| *part != parts[0]);
        for part in distinct(parts) {
            let here = |place: &usize| parts[*place] == part && !(apart && is_late(unit.op, &checks[*place]));
            let places: SmallVec<[usize; 4]> = (0..checks.len()).filter(here).collect();
            if places.is_empty() {
                continue;
            }
            let asked = places.iter().map(|place| checks[*place].clone()).collect();
            self.push(part, unit.op, (index, places, Meaning::Verdict), batch, asked);
        }
    }

    /// The second round of a unit over several parts: what it took and does not keep.
    fn give_back(&mut self, batch: &Batch<'b>, index: usize, parts: &[u64]) {
        let (unit, checks) = (&batch.units()[index], batch.checks(index));
        let kept = kept(unit, checks);
        for (place, check) in checks.iter().enumerate() {
            let Some((verdict, token)) = check.verdict.and_then(|verdict| Some((verdict, verdict.token?)))
            else {
                continue;
            };
            let keep = kept[place];
            // A holder that holds nothing is there all the same.
            let holder = matches!(token, Token::Holder(_));
            let stays = keep.is_some_and(|keep| keep >= verdict.granted);
            if stays || (verdict.granted == 0 && !holder) {
                continue;
            }
            let keep = keep.unwrap_or(0);
            let refund = Check { cost: verdict.granted - keep, ..check.clone().with_token(token) };
            self.push_one(batch, parts, Op::Refund, (index, place, Meaning::GivenBack), refund);
            if holder && keep > 0 {
                // It let go of everything.
                let take = Check { cost: keep, ..check.clone() };
                self.push_one(batch, parts, Op::Take, (index, place, Meaning::Verdict), take);
            }
        }
    }

    /// The second round of a unit over several parts: what has waited for its passing.
    fn ask_late(&mut self, batch: &Batch<'b>, index: usize, parts: &[u64]) {
        let (unit, checks) = (&batch.units()[index], batch.checks(index));
        if unit.error.is_some() {
            return;
        }
        for (place, check) in checks.iter().enumerate().filter(|(_, check)| is_late(unit.op, check)) {
            let (op, meaning) = match unit.passes {
                true => (check.op.unwrap_or(unit.op), Meaning::Verdict),
                false => (Op::Peek, Meaning::LookedAt),
            };
            self.push_one(batch, parts, op, (index, place, meaning), check.clone());
        }
    }

    fn push_one(
        &mut self,
        whole: &Batch<'b>,
        parts: &[u64],
        op: Op,
        (index, place, meaning): (usize, usize, Meaning),
        mut check: Check<'b>,
    ) {
        (check.op, check.group) = (None, Group::Enforced);
        self.push(parts[place], op, (index, SmallVec::from_elem(place, 1), meaning), whole, vec![check]);
    }

    /// Asks every part, and notes the answers.
    async fn apply(mut self, store: &impl Parts, whole: &mut Batch<'b>) {
        let calls = self.0.iter_mut().map(|(part, questions)| store.apply_part(*part, &mut questions.batch));
        let answers = join_all(calls).await;
        for (questions, answer) in self.0.into_values().zip(answers) {
            for (place, (unit, checks, meaning)) in questions.origins.iter().enumerate() {
                let Some((unit, whole)) = whole.each_unit().nth(*unit) else {
                    continue;
                };
                let part = &questions.batch.units()[place];
                match answer.as_ref().err().or(part.error.as_ref()) {
                    // A refund that fails leaves the cost spent.
                    Some(_) if *meaning != Meaning::Verdict => {}
                    Some(error) => unit.error = Some(error.clone()),
                    None => {
                        unit.passes &= part.passes;
                        for (check, answered) in checks.iter().zip(questions.batch.checks(place)) {
                            note(&mut whole[*check], answered, *meaning);
                        }
                    }
                }
            }
        }
    }
}

/// Whether a check must wait until the unit is known to pass, since it cannot be taken back.
fn is_late(op: Op, check: &Check<'_>) -> bool {
    matches!(check.op.unwrap_or(op), Op::Charge | Op::Refund | Op::Reset)
}

fn distinct(parts: &[u64]) -> SmallVec<[u64; 4]> {
    let mut distinct: SmallVec<[u64; 4]> = SmallVec::from_slice(parts);
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

fn note(check: &mut Check<'_>, answered: &Check<'_>, meaning: Meaning) {
    let Some(verdict) = answered.verdict else {
        return;
    };
    match (meaning, &mut check.verdict) {
        (Meaning::GivenBack, Some(taken)) => {
            taken.granted = taken.granted.saturating_sub(answered.cost);
            (taken.remaining, taken.reset_after) = (verdict.remaining, verdict.reset_after);
            if taken.granted == 0 {
                taken.token = None;
            }
        }
        (Meaning::LookedAt, slot) => {
            *slot =
                Some(Verdict { allowed: true, granted: 0, retry_after: Some(Default::default()), ..verdict });
        }
        (_, slot) => {
            *slot = Some(verdict);
            check.degraded = answered.degraded;
        }
    }
}

/// How much each check keeps of what it was granted: nothing (`None`) where its unit or group did not pass.
fn kept(unit: &Unit, checks: &[Check<'_>]) -> SmallVec<[Option<u64>; 4]> {
    let partial = |check: &Check<'_>| check.op.unwrap_or(unit.op) == Op::TakeUpTo;
    let granted = |check: &Check<'_>| check.verdict.map_or(0, |verdict| verdict.granted);
    let enforced = checks.iter().filter(|check| partial(check) && check.group == Group::Enforced);
    let asked = checks.iter().filter(|check| partial(check)).map(|check| check.cost).min().unwrap_or(0);
    let share = enforced.map(granted).min().unwrap_or(asked);
    let passes = unit.passes && unit.error.is_none();
    let group_passes = |group: Group| {
        let mut members = checks.iter().filter(|check| check.group == group && !is_late(unit.op, check));
        members.all(|check| {
            let allowed = check.verdict.is_some_and(|verdict| verdict.allowed);
            allowed && (!partial(check) || granted(check) >= share)
        })
    };
    let kept = checks.iter().map(|check| {
        let stays = passes && (check.group == Group::Enforced || group_passes(check.group));
        stays.then(|| {
            if partial(check) {
                share.min(granted(check))
            } else {
                granted(check)
            }
        })
    });
    kept.collect()
}
