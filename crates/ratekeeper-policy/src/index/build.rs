//! How an index is made.

use super::conditions::{Condition, Field, Key};
use super::lookup::Lookup;
use super::{Bucket, Conditions, FEW, Index, Map};

/// So many indexes follow each other at most.
const MOST_LEVELS: usize = 3;
/// The most alternatives of a condition that is looked up below another one: places are filed under each.
const MOST_BELOW: usize = 4;

/// A place, and its conditions that are not looked up yet.
type Filed<'p> = (usize, Vec<Condition<'p>>);

pub(super) fn index(all: Vec<(usize, Conditions<'_>)>) -> Index {
    let all: Vec<Filed<'_>> =
        all.into_iter().map(|(place, conditions)| (place, conditions.given())).collect();
    if all.len() <= FEW {
        return Index {
            always: all.into_iter().map(|(place, _)| place).collect(),
            lookups: Box::default(),
        };
    }
    level(&all.iter().collect::<Vec<_>>(), &[])
}

/// An index of conditions that are not about `used`.
fn level<'p>(all: &[&Filed<'p>], used: &[Field<'p>]) -> Index {
    let most = if used.is_empty() { usize::MAX } else { MOST_BELOW };
    let usable = |(field, keys): &&Condition<'p>| keys.len() <= most && !used.contains(field);
    let mut shared: Map<(Field<'p>, &Key<'p>), usize> = Map::default();
    for (field, key) in all.iter().flat_map(|(_, conditions)| conditions).filter(usable).flat_map(each) {
        *shared.entry((field, key)).or_default() += 1;
    }
    let mut always = Vec::new();
    let mut buckets: Map<(Field<'p>, &Key<'p>), Vec<&Filed<'p>>> = Map::default();
    for filed in all {
        let crowd = |condition: &&Condition<'p>| each(condition).map(|one| shared[&one]).max();
        let best = filed.1.iter().filter(usable).min_by_key(|one| (crowd(one), one.1.len(), one.0));
        match best {
            Some(condition) => {
                each(condition).for_each(|one| buckets.entry(one).or_default().push(filed));
            }
            None => always.push(filed.0),
        }
    }
    let mut lookups: Map<Field<'p>, Lookup> = Map::default();
    for ((field, key), mut filed) in buckets {
        // One that names an alternative twice.
        filed.dedup_by_key(|filed| filed.0);
        let bucket = bucket(&filed, used, field);
        lookups
            .entry(field.kind())
            .or_insert_with(|| Lookup::new(field))
            .insert(field, key, bucket);
    }
    Index { always: always.into(), lookups: lookups.into_values().collect() }
}

fn bucket<'p>(filed: &[&Filed<'p>], used: &[Field<'p>], field: Field<'p>) -> Bucket {
    if filed.len() <= FEW || used.len() + 1 == MOST_LEVELS {
        return Bucket::Few(filed.iter().map(|(place, _)| *place).collect());
    }
    let used: Vec<_> = used.iter().copied().chain([field]).collect();
    Bucket::Many(Box::new(level(filed, &used)))
}

/// A condition under each of its alternatives.
fn each<'c, 'p>((field, keys): &'c Condition<'p>) -> impl Iterator<Item = (Field<'p>, &'c Key<'p>)> {
    keys.iter().map(|key| (*field, key))
}
