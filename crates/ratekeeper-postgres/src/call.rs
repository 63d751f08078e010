//! A batch as one call of the function in the server, and its answer.

use ratekeeper_core::{Algorithm, Op, Timestamp, Token};
use ratekeeper_store::{Batch, Check, Group, StoreError, Unit, WorkingCopy};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::answer::Answer;
use crate::array::Array;
use crate::check::{self, Position};

/// Until here no bucket or window of a plain call reaches the end of time, where states saturate.
const FAR: u64 = 1 << 52;

/// What a call may come to.
const PLAIN: i32 = 0;
const ANYTHING: i32 = 1;
const LOCK_ALL: i32 = 2;
const READ_ONLY: i32 = 3;

/// The arguments of a call, and what is needed to read its answer.
#[derive(Debug)]
pub(crate) struct Call {
    instant: Option<i64>,
    earliest: i64,
    latest: i64,
    keys: Array,
    checks: Array,
    identities: Array,
    mode: i32,
    /// The places of the working copy, in the order of the keys.
    order: Vec<usize>,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The verdicts stand in the batch.
    Decided,
    /// Nothing was written: the clock of the server is outside of the periods that were given, which are to be those
    /// around this instant.
    Elsewhere(Timestamp),
}

impl Call {
    /// A call for a batch; calendars are given `around` an instant.
    pub(crate) fn of(batch: &Batch<'_>, copy: &WorkingCopy<'_>, around: Timestamp) -> Self {
        let keys: Vec<&[u8]> = copy.keys().map(ratekeeper_core::Key::bytes).collect();
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_unstable_by_key(|place| keys[*place]);
        let mut rank = vec![0; order.len()];
        order.iter().enumerate().for_each(|(position, place)| rank[*place] = position + 1);
        let mut call = Self {
            instant: batch.now.map(|now| now.as_micros().cast_signed()),
            earliest: 0,
            latest: i64::MAX,
            keys: Array::with_capacity(keys.iter().map(|key| key.len() + 4).sum()),
            checks: Array::with_capacity(copy.places().len() * 20 * 12),
            identities: Array::with_capacity(0),
            mode: mode(batch, copy),
            order,
        };
        call.order.iter().for_each(|place| call.keys.push(keys[*place]));
        if call.mode == PLAIN {
            // Every unit is one check of a key of its own: in the order of the keys.
            for position in 0..call.order.len() {
                let unit = call.order[position];
                let at = Position { key: position + 1, unit: position + 1, holder: 0 };
                call.push(&batch.checks(unit)[0], Op::Take, at, around);
            }
        } else {
            call.push_all(batch, copy, &rank, around);
        }
        call
    }

    fn push_all(&mut self, batch: &Batch<'_>, copy: &WorkingCopy<'_>, rank: &[usize], around: Timestamp) {
        let units = batch.units();
        let mut places = copy.places().iter();
        let mut released = Vec::new();
        for (index, unit) in units.iter().enumerate() {
            for check in batch.checks(index) {
                let key = places.next().map_or(0, |place| rank[*place]);
                if let Some(Token::Holder(holder)) = check.token {
                    released.push(holder);
                }
                let at = Position { key, unit: index + 1, holder: units.len() + released.len() };
                self.push(check, check.op.unwrap_or(unit.op), at, around);
            }
        }
        let holds = |check: &Check<'_>| check.limit.algorithm() == Algorithm::Concurrency;
        if (0..units.len()).any(|index| batch.checks(index).iter().any(holds)) {
            let holders = units.iter().map(|unit| unit.holder).chain(released);
            holders.for_each(|holder| self.identities.push(&holder.get().to_be_bytes()));
        }
    }

    fn push(&mut self, check: &Check<'_>, op: Op, at: Position, around: Timestamp) {
        if let Some(calendar) = check.limit.calendar() {
            let (start, end) = calendar.around(around);
            self.earliest = self.earliest.max(start.as_micros().cast_signed());
            // The last period that there is does not end.
            if end < Timestamp::MAX {
                self.latest = self.latest.min(end.as_micros().cast_signed());
            }
        }
        check::numbers(check, op, at, around)
            .iter()
            .for_each(|number| self.checks.push(&number.to_be_bytes()));
    }

    /// The same call, which locks also what it does not expect to write. Others lock all that they need anyway.
    pub(crate) fn lock_all(&mut self) {
        if self.mode == ANYTHING {
            self.mode = LOCK_ALL;
        }
    }

    /// The arguments, as the function takes them.
    pub(crate) fn arguments(&self) -> [(&(dyn ToSql + Sync), Type); 7] {
        [
            (&self.instant, Type::INT8),
            (&self.earliest, Type::INT8),
            (&self.latest, Type::INT8),
            (&self.keys, Type::BYTEA_ARRAY),
            (&self.checks, Type::INT8_ARRAY),
            (&self.identities, Type::UUID_ARRAY),
            (&self.mode, Type::INT4),
        ]
    }

    /// Fills the working copy with what the server found, decides over it, and compares.
    pub(crate) fn read<'b>(
        &self,
        row: &Row,
        batch: &mut Batch<'b>,
        copy: &mut WorkingCopy<'b>,
    ) -> Result<Outcome, StoreError> {
        let answer = Answer::of(row).map_err(|error| broken(&error.to_string()))?;
        let now = Timestamp::from_micros(u64::try_from(answer.instant).unwrap_or(0));
        if answer.accepted.is_none() && answer.passes.is_none() {
            return Ok(Outcome::Elsewhere(now));
        }
        for (position, place) in self.order.iter().enumerate() {
            copy.set(*place, answer.found(position).map_err(broken)?);
        }
        for (index, accepted) in answer.accepted.iter().flatten().enumerate() {
            let position = usize::try_from(*accepted - 1).unwrap_or(usize::MAX);
            let place = *self.order.get(position).ok_or_else(|| broken("a check that was not asked"))?;
            let before = answer.before(index, &batch.checks(place)[0], now);
            copy.set(place, Some(before.ok_or_else(|| broken("a state that cannot be"))?));
        }
        copy.decide(batch, now);
        if self.mode == PLAIN {
            self.compare_plain(&answer, batch)?;
        } else {
            compare(&answer, batch)?;
        }
        Ok(Outcome::Decided)
    }

    fn compare_plain(&self, answer: &Answer, batch: &Batch<'_>) -> Result<(), StoreError> {
        let mut accepted = answer.accepted.iter().flatten().peekable();
        for (position, unit) in self.order.iter().enumerate() {
            let at_once =
                accepted.next_if(|accepted| usize::try_from(**accepted) == Ok(position + 1)).is_some();
            let passed = at_once
                || answer.passes.as_ref().is_some_and(|passes| passes.get(position) == Some(&Some(true)));
            if passed != batch.units()[*unit].passes {
                return Err(differs());
            }
        }
        Ok(())
    }
}

/// Compares what the server decided with what follows from the states that it found.
fn compare(answer: &Answer, batch: &Batch<'_>) -> Result<(), StoreError> {
    let passes = answer.passes.as_deref().unwrap_or_default();
    let mut granted = answer.granted.as_deref().unwrap_or_default().iter();
    for (index, unit) in batch.units().iter().enumerate() {
        // The server does not hear of units without checks.
        if !batch.checks(index).is_empty() && passes.get(index) != Some(&Some(unit.passes)) {
            return Err(differs());
        }
        for check in batch.checks(index) {
            let granted = granted.next().copied().flatten().map(i64::cast_unsigned);
            let takes = !matches!(check.op.unwrap_or(unit.op), Op::Peek | Op::Refund | Op::Reset);
            let taken =
                check.verdict.filter(|verdict| verdict.token.is_some()).map(|verdict| verdict.granted);
            if takes && taken != granted {
                return Err(differs());
            }
        }
    }
    Ok(())
}

fn mode(batch: &Batch<'_>, copy: &WorkingCopy<'_>) -> i32 {
    let units = || batch.units().iter().enumerate();
    let reads = |(index, unit): (usize, &Unit)| {
        batch.checks(index).iter().all(|check| check.op.unwrap_or(unit.op) == Op::Peek)
    };
    if is_plain(batch, copy) {
        PLAIN
    } else if units().all(reads) {
        READ_ONLY
    } else {
        ANYTHING
    }
}

/// Whether every unit is a take from a bucket or windows, each of a key of its own, that can pass at all: one statement
/// answers most of them at once.
fn is_plain(batch: &Batch<'_>, copy: &WorkingCopy<'_>) -> bool {
    let takes = |(index, unit): (usize, &Unit)| match batch.checks(index) {
        [check] => {
            check.op.unwrap_or(unit.op) == Op::Take
                && check.group == Group::Enforced
                && check.cost <= check.limit.largest_cost()
                && !matches!(check.limit.algorithm(), Algorithm::SlidingLog | Algorithm::Concurrency)
        }
        _ => false,
    };
    let distinct = copy.keys().len() == copy.places().len();
    distinct
        && batch.now.is_none_or(|now| now.as_micros() < FAR)
        && batch.units().iter().enumerate().all(takes)
}

#[cold]
fn differs() -> StoreError {
    let reason = "the function in PostgreSQL decided otherwise than follows from the counters; was it altered? Drop the \
                  schema, and let it be created anew";
    StoreError::Misconfigured { reason: reason.to_owned() }
}

#[cold]
fn broken(what: &str) -> StoreError {
    StoreError::Unavailable { reason: format!("the answer of PostgreSQL cannot be read: {what}") }
}
