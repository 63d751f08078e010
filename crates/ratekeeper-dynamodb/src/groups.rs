//! Units that have a key in common are decided together; the others side by side.

use std::ops::Range;

use ratekeeper_store::{Batch, Check, StoreError, WorkingCopy};

use crate::failure::misconfigured;
use crate::request::MOST_ITEMS;

/// Units, by their index and in order, that are decided together; and then the next, after them.
pub(crate) type Group = Vec<Vec<usize>>;

/// Which units of a batch are decided together. A group over more keys than fit into one transaction is cut: its parts
/// follow each other. A unit that is [`too_large`] alone is in none.
pub(crate) fn groups(batch: &Batch<'_>, copy: &WorkingCopy<'_>) -> Vec<Group> {
    let places = places_of_units(batch);
    let mut leaders: Vec<usize> = (0..places.len()).collect();
    let mut first_user = vec![usize::MAX; copy.keys().len()];
    for (unit, places) in places.iter().enumerate() {
        if places.len() > MOST_ITEMS {
            continue;
        }
        for place in &copy.places()[places.clone()] {
            let user = &mut first_user[*place];
            if *user == usize::MAX {
                *user = unit;
            } else {
                let (one, other) = (leader(&leaders, *user), leader(&leaders, unit));
                leaders[one.max(other)] = one.min(other);
            }
        }
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); places.len()];
    for unit in (0..places.len()).filter(|unit| places[*unit].len() <= MOST_ITEMS) {
        members[leader(&leaders, unit)].push(unit);
    }
    members.retain(|units| !units.is_empty());
    members.into_iter().map(|units| cut(units, &places, copy)).collect()
}

/// Why a unit of so many checks cannot be decided, if it cannot.
pub(crate) fn too_large(checks: usize) -> Option<StoreError> {
    (checks > MOST_ITEMS).then(|| {
        misconfigured(&format!(
            "a request asks {checks} counters at once; DynamoDB has at most {MOST_ITEMS} in a transaction"
        ))
    })
}

/// For every unit, where its checks are among all of the batch.
fn places_of_units(batch: &Batch<'_>) -> Vec<Range<usize>> {
    let mut end = 0;
    let ranges = (0..batch.units().len()).map(|unit| {
        let start = end;
        end += batch.checks(unit).len();
        start..end
    });
    ranges.collect()
}

fn leader(leaders: &[usize], mut unit: usize) -> usize {
    while leaders[unit] != unit {
        unit = leaders[unit];
    }
    unit
}

/// Cuts a list of units wherever the keys would become too many.
fn cut(units: Vec<usize>, places: &[Range<usize>], copy: &WorkingCopy<'_>) -> Group {
    let (mut parts, mut keys): (Group, Vec<usize>) = (vec![Vec::new()], Vec::new());
    for unit in units {
        let own = &copy.places()[places[unit].clone()];
        let mut together: Vec<usize> = keys.iter().chain(own).copied().collect();
        together.sort_unstable();
        together.dedup();
        if together.len() > MOST_ITEMS {
            parts.push(Vec::new());
            together = own.to_vec();
        }
        keys = together;
        if let Some(part) = parts.last_mut() {
            part.push(unit);
        }
    }
    parts
}

/// Some units of a batch, as a batch of their own.
pub(crate) fn part_of<'b>(batch: &Batch<'b>, units: &[usize]) -> Batch<'b> {
    let mut part = Batch::new();
    part.now = batch.now;
    for index in units {
        let unit = &batch.units()[*index];
        part.push_by(unit.op, unit.holder, batch.checks(*index).iter().cloned());
    }
    part
}

/// Writes the answers of a part into the batch, or its error.
pub(crate) fn answer(
    batch: &mut Batch<'_>,
    units: &[usize],
    part: &Batch<'_>,
    result: &Result<(), StoreError>,
) {
    let mut answered = units.iter().copied().enumerate().peekable();
    for (index, (unit, checks)) in batch.each_unit().enumerate() {
        let Some((place, _)) = answered.next_if(|(_, unit)| *unit == index) else {
            continue;
        };
        unit.passes = part.units()[place].passes;
        unit.error = result.as_ref().err().cloned();
        for (Check { verdict, degraded, .. }, from) in checks.iter_mut().zip(part.checks(place)) {
            (*verdict, *degraded) = (from.verdict, from.degraded);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratekeeper_core::{Key, Limit, Micros, Op};

    use super::*;

    fn grouped(units: &[&[u16]]) -> Vec<Group> {
        let limit = Limit::fixed_window(1, Micros::SECOND).unwrap();
        let keys: Vec<Vec<Vec<u8>>> = units
            .iter()
            .map(|unit| unit.iter().map(|key| key.to_le_bytes().to_vec()).collect())
            .collect();
        let mut batch = Batch::new();
        for unit in &keys {
            batch.push(Op::Take, unit.iter().map(|key| Check::new(Key::new(key).unwrap(), &limit, 1)));
        }
        groups(&batch, &WorkingCopy::of(&batch).unwrap())
    }

    #[test]
    fn units_with_a_common_key_are_together_and_in_order() {
        assert_eq!(grouped(&[]), Vec::<Group>::new());
        assert_eq!(grouped(&[&[1], &[2], &[1]]), [vec![vec![0, 2]], vec![vec![1]]]);
        assert_eq!(grouped(&[&[1, 2], &[3], &[4, 3], &[2, 4]]), [vec![vec![0, 1, 2, 3]]]);
        assert_eq!(grouped(&[&[], &[1], &[]]), [vec![vec![0]], vec![vec![1]], vec![vec![2]]]);
    }

    #[test]
    fn too_many_keys_follow_each_other() {
        let units: Vec<Vec<u16>> = (1..=150).map(|own| vec![0, own]).collect();
        let units: Vec<&[u16]> = units.iter().map(Vec::as_slice).collect();
        let groups = grouped(&units);
        assert_eq!(groups.len(), 1);
        let lengths: Vec<usize> = groups[0].iter().map(Vec::len).collect();
        assert_eq!(lengths, [99, 51]);
        assert_eq!(groups[0].concat(), (0..150).collect::<Vec<_>>());
    }
}
