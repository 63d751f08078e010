//! Keys that hold what somebody else has written.

use std::collections::HashMap;

use ratekeeper_core::{Key, Stored, Timestamp};
use ratekeeper_store::{Batch, StoreError, WorkingCopy};

use crate::state;

/// Decides the units of a batch that use no unreadable key; to those that do, it is an error.
///
/// `copy` is of the batch, and `unreadable` are places in it. `states` are as they were found, of the keys at `places`.
///
/// # Errors
/// As [`WorkingCopy::of`].
pub(crate) fn decide_others<'b>(
    batch: &mut Batch<'b>,
    copy: &WorkingCopy<'b>,
    unreadable: &[usize],
    places: &[usize],
    states: &[Option<Vec<u8>>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let keys: Vec<Key<'b>> = copy.keys().collect();
    let (mut others, mut errors) = (Batch::new(), Vec::new());
    let mut rest = copy.places();
    for (index, unit) in batch.units().iter().enumerate() {
        let checks = batch.checks(index);
        let (its, after) = rest.split_at(checks.len().min(rest.len()));
        rest = after;
        let error = its.iter().find(|place| unreadable.contains(place)).map(|place| error(keys[*place]));
        if error.is_none() {
            others.push_by(unit.op, unit.holder, checks.iter().cloned());
        }
        errors.push(error);
    }
    let mut of_others = WorkingCopy::of(&others)?;
    let found = places.iter().zip(states);
    let found: HashMap<&[u8], &[u8]> = found
        .filter_map(|(place, state)| Some((keys[*place].bytes(), state.as_deref()?)))
        .collect();
    let stored: Vec<Option<Stored>> = of_others
        .keys()
        .map(|key| found.get(key.bytes()).and_then(|bytes| state::read(bytes).ok()))
        .collect();
    stored.into_iter().enumerate().for_each(|(place, stored)| of_others.set(place, stored));
    of_others.decide(&mut others, now);
    let mut decided = others.each_unit();
    for ((unit, checks), error) in batch.each_unit().zip(errors) {
        unit.error = error;
        if unit.error.is_some() {
            unit.passes = false;
        } else if let Some((its, answers)) = decided.next() {
            unit.passes = its.passes;
            checks.clone_from_slice(answers);
        }
    }
    Ok(())
}

/// The error of a batch whose units all failed.
pub(crate) fn of_all(batch: &Batch<'_>) -> Result<(), StoreError> {
    let mut errors = batch.units().iter().map(|unit| unit.error.as_ref());
    match errors.next().flatten() {
        Some(first) if errors.all(|error| error.is_some()) => Err(first.clone()),
        _ => Ok(()),
    }
}

fn error(key: Key<'_>) -> StoreError {
    let key = key.bytes().escape_ascii();
    let reason = format!("the key {key} holds what is no counter; give ratekeeper a prefix of its own");
    StoreError::Misconfigured { reason }
}
