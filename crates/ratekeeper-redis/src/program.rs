//! What a batch asks of the script, as bytes.
//!
//! Everything is a double in little-endian order. First now (less than zero: by the server's clock), the instants between
//! which the calendars of the batch are valid, and the numbers of runs, questions and units. Then:
//!
//! - each run: for how many keys, how many takes of each, and its question;
//! - each question: see [`question`];
//! - each unit: how many checks; of each check the number of its question, the number of its key, its group (0: enforced)
//!   and the phase of its windows.
//!
//! A run is takes of one check each, all of the same cost under the same limit, of keys that nobody in the batch asks
//! anything else of: those come first among the keys, in the order of the runs, and the script decides them without further
//! ado. Of takes of one key the first ones pass, so each key is read once and written once. Units over different keys do not
//! see each other, so that they may change their places.

use ratekeeper_core::{Op, Timestamp};
use ratekeeper_store::{Batch, Check, Group, StoreError};

use crate::question::{self, Asked};

/// The arguments of the script, and how to read its answer.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// The argument.
    pub(crate) bytes: Vec<u8>,
    /// For each key of the script, which key of the working copy it is.
    pub(crate) keys: Vec<usize>,
    /// For each answer of the script, the check that it is of, counted over all units, and how its question is told.
    pub(crate) checks: Vec<usize>,
}

/// What is asked of one key.
#[derive(Clone, Copy, Default)]
struct Use {
    /// The first check of it.
    first: usize,
    takes: usize,
    /// Not only the same take, by itself, again and again.
    mixed: bool,
    /// Where in the answer its next take is.
    next: usize,
}

/// Consecutive keys with the same question.
struct Run<'c, 'b> {
    count: u64,
    takes: usize,
    check: &'c Check<'b>,
    asked: Asked,
}

/// Translates a batch. `places` says for every check which key it asks for; calendars are sent as they are around `around`.
///
/// # Errors
/// If a partial take could be of more than a double holds exactly.
pub(crate) fn write(batch: &Batch<'_>, places: &[usize], around: Timestamp) -> Result<Program, StoreError> {
    let mut program = Program::default();
    let mut uses = uses(batch, places);
    let (mut runs, mut rest): (Vec<Run<'_, '_>>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
    let mut first = 0;
    for (index, unit) in batch.units().iter().enumerate() {
        let checks = batch.checks(index);
        match checks {
            [check] if !uses[places[first]].mixed => {
                let its = &mut uses[places[first]];
                if its.first == first {
                    its.next = program.checks.len();
                    program.keys.push(places[first]);
                    program.checks.resize(its.next + its.takes, first);
                    match runs.last_mut() {
                        Some(run) if run.takes == its.takes && asks_the_same(run.check, check) => {
                            run.count += 1;
                        }
                        _ => runs.push(Run {
                            count: 1,
                            takes: its.takes,
                            check,
                            asked: Asked::of(check, unit),
                        }),
                    }
                }
                program.checks[its.next] = first;
                its.next += 1;
            }
            _ => rest.push((index, first)),
        }
        first += checks.len();
    }
    let mut questions: Vec<(&Check<'_>, Asked)> = Vec::new();
    let mut units = Vec::new();
    let mut numbers = vec![None; uses.len()];
    for (index, first) in &rest {
        let (unit, checks) = (&batch.units()[*index], batch.checks(*index));
        put(&mut units, count(checks.len()));
        for (place, check) in checks.iter().enumerate() {
            let asked = Asked::of(check, unit);
            let known = questions.iter().rposition(|(other, of)| *of == asked && asks_the_same(other, check));
            let question = known.unwrap_or_else(|| {
                questions.push((check, asked));
                questions.len() - 1
            });
            let place = first + place;
            let key = *numbers[places[place]].get_or_insert_with(|| {
                program.keys.push(places[place]);
                program.keys.len()
            });
            let group = match check.group {
                Group::Enforced => 0,
                Group::Shadow(number) => u64::from(number) + 1,
            };
            let phase = check.limit.phase(check.key.bytes()).get();
            put(&mut units, count(question + 1));
            for number in [count(key), group, phase] {
                put(&mut units, number);
            }
            program.checks.push(place);
        }
    }
    let all = || runs.iter().map(|run| run.check).chain(questions.iter().map(|(check, _)| *check));
    let (from, to) = question::valid(all().map(|check| check.limit), around);
    let bytes = &mut program.bytes;
    bytes.extend(batch.now.map_or(-1.0, |now| exact(now.as_micros())).to_le_bytes());
    bytes.extend(from.to_le_bytes());
    bytes.extend(to.to_le_bytes());
    for number in [runs.len(), questions.len(), rest.len()] {
        put(bytes, count(number));
    }
    for run in &runs {
        put(bytes, run.count);
        put(bytes, count(run.takes));
        question::write(bytes, run.check, &run.asked, around)?;
    }
    for (check, asked) in &questions {
        question::write(bytes, check, asked, around)?;
    }
    bytes.append(&mut units);
    Ok(program)
}

/// What is asked of each key.
fn uses(batch: &Batch<'_>, places: &[usize]) -> Vec<Use> {
    let mut uses = vec![Use::default(); places.iter().max().map_or(0, |last| last + 1)];
    let mut firsts: Vec<Option<&Check<'_>>> = vec![None; uses.len()];
    let mut places = places.iter().enumerate();
    for (index, unit) in batch.units().iter().enumerate() {
        let checks = batch.checks(index);
        for (check, (number, place)) in checks.iter().zip(&mut places) {
            let its = &mut uses[*place];
            match firsts[*place] {
                Some(first) => its.mixed |= !asks_the_same(first, check),
                None => (its.first, firsts[*place]) = (number, Some(check)),
            }
            its.mixed |= checks.len() > 1 || !runs_along(check, unit.op);
            its.takes += 1;
        }
    }
    uses
}

/// Whether this check may be part of a run.
fn runs_along(check: &Check<'_>, op: Op) -> bool {
    check.op.unwrap_or(op) == Op::Take
        && check.group == Group::Enforced
        && !check.limit.has_phase_by_key()
        && question::runs(check.limit.algorithm())
}

/// Whether two checks of the same operation differ in nothing but their keys.
fn asks_the_same(one: &Check<'_>, other: &Check<'_>) -> bool {
    one.cost == other.cost && (std::ptr::eq(one.limit, other.limit) || one.limit == other.limit)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

pub(crate) fn put(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend(exact(number).to_le_bytes());
}

/// A number as a double; beyond 2^53 − 1, which is beyond every limit, that.
#[allow(
    clippy::cast_precision_loss,
    reason = "doubles hold integers of 53 bits exactly"
)]
pub(crate) fn exact(number: u64) -> f64 {
    number.min(ratekeeper_core::MAX_EXACT) as f64
}
