//! What the function in the server answers.

use ratekeeper_core::{Entries, Entry, Gcra, Holder, Limit, State, Stored, Tag, Timestamp, Window};
use ratekeeper_store::Check;
use tokio_postgres::{Error, Row};

use crate::{array, check};

/// The columns of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) instant: i64,
    /// Of a plain call: which of its checks were accepted at once, and their states after.
    pub(crate) accepted: Option<Vec<i32>>,
    after: [Option<Vec<i64>>; 3],
    /// States as they were found, if it was not all of a plain call that was accepted.
    kinds: Option<Vec<Option<i16>>>,
    tags: Option<Vec<Option<i64>>>,
    states: [Option<Vec<Option<i64>>>; 3],
    lists: Option<Vec<Option<Vec<u8>>>>,
    pub(crate) passes: Option<Vec<Option<bool>>>,
    pub(crate) granted: Option<Vec<Option<i64>>>,
}

impl Answer {
    pub(crate) fn of(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            instant: row.try_get(0)?,
            accepted: row.try_get(1)?,
            after: [row.try_get(2)?, row.try_get(3)?, row.try_get(4)?],
            kinds: row.try_get(5)?,
            tags: row.try_get(6)?,
            states: [row.try_get(7)?, row.try_get(8)?, row.try_get(9)?],
            lists: row.try_get(10)?,
            passes: row.try_get(11)?,
            granted: row.try_get(12)?,
        })
    }

    /// The state that was found of the key at a position, or none.
    pub(crate) fn found(&self, position: usize) -> Result<Option<Stored>, &'static str> {
        let Some(kind) = self.kinds.as_ref().and_then(|kinds| kinds.get(position).copied().flatten()) else {
            return Ok(None);
        };
        let number = |column: &Option<Vec<Option<i64>>>| {
            let number = column.as_ref().and_then(|column| column.get(position).copied().flatten());
            number.ok_or("a state without numbers")
        };
        let [a, b, c] = &self.states;
        let [a, b, c] = [number(a)?, number(b)?, number(c)?].map(unsigned);
        let state = match kind {
            0 => State::Gcra(Gcra { at: a, rest: b }),
            1 => State::Window(Window { start: a, current: b, previous: c }),
            2 => {
                let bytes =
                    self.lists.as_ref().and_then(|lists| lists.get(position)).and_then(Option::as_deref);
                let entries = bytes.and_then(entries).ok_or("a list that is none")?;
                State::Entries(Box::new(entries))
            }
            _ => return Err("a state of an unknown kind"),
        };
        Ok(Some(Stored { tag: Tag::from_raw(number(&self.tags)?.cast_unsigned()), state }))
    }

    /// What the `index`-th check that was accepted at once may have found: a state from which it leads to the one that
    /// is there now, and which means the same at this instant.
    pub(crate) fn before(&self, index: usize, check: &Check<'_>, now: Timestamp) -> Option<Stored> {
        let number = |column: &Option<Vec<i64>>| Some(unsigned(*column.as_ref()?.get(index)?));
        let [a, b, c] = &self.after;
        let (a, b, c) = (number(a)?, number(b)?, number(c)?);
        let state = if is_window(check.limit) {
            State::Window(Window { start: a, current: b.checked_sub(check.cost)?, previous: c })
        } else {
            State::Gcra(before_take(Gcra { at: a, rest: b }, check, now)?)
        };
        Some(Stored { tag: check.limit.tag(), state })
    }
}

/// X − nW', which a take has left at X.
fn before_take(after: Gcra, check: &Check<'_>, now: Timestamp) -> Option<Gcra> {
    let ticks = u128::from(check.cost) * u128::from(check.limit.ticks_per_unit());
    let (micros, rest) = check::in_micros(ticks, check.limit);
    let borrowed = u64::from(after.rest < rest);
    let at = after.at.checked_sub(micros)?.checked_sub(borrowed)?;
    let rest = after.rest + borrowed * check.limit.ticks() - rest;
    (at >= now.as_micros()).then_some(Gcra { at, rest })
}

fn is_window(limit: &Limit) -> bool {
    matches!(Stored::absent(limit).state, State::Window(_))
}

/// A list: three arrays, of expiries, counts and holders; a log has no holders.
fn entries(mut bytes: &[u8]) -> Option<Entries> {
    let (expiries, counts) = (array::take::<8>(&mut bytes)?, array::take::<8>(&mut bytes)?);
    let holders = array::take::<16>(&mut bytes)?;
    if expiries.len() != counts.len() || !(holders.is_empty() || holders.len() == counts.len()) {
        return None;
    }
    let holders = holders.into_iter().map(|holder| Holder::new(u128::from_be_bytes(holder)));
    let entries = expiries.into_iter().zip(counts).zip(holders.chain(std::iter::repeat(Holder::default())));
    let entry = |((expiry, count), holder)| {
        let (expiry, count) = (i64::from_be_bytes(expiry), i64::from_be_bytes(count));
        Entry { expiry: unsigned(expiry), count: unsigned(count), holder }
    };
    Some(Entries::from_parts(entries.map(entry)))
}

/// The server keeps nothing below zero.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
