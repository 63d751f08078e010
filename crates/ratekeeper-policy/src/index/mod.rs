//! Which of many rules, entries of a list, overrides or costs of routes a request may meet, without a look at each.
//!
//! Each is filed under one of its conditions: the one that it shares with the fewest others. Where many share even that one,
//! an index of their other conditions follows. What is found is a superset, in no order and perhaps twice: the conditions
//! themselves decide, as if there were no index.

mod build;
mod conditions;
mod folded;
mod hosts;
mod lookup;
mod named;
mod networks;
mod paths;
#[cfg(test)]
mod tests;
mod texts;

use std::collections::HashMap;

use smallvec::SmallVec;

pub(crate) use self::conditions::Conditions;
use self::lookup::Lookup;
use crate::request::Request;

/// Places that a request may meet.
pub(crate) type Places = SmallVec<[usize; 16]>;

/// What is looked up was chosen by a client, what is found by the policy: a fast hash is safe.
pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// So few are looked at one by one.
const FEW: usize = 8;

/// Places by conditions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// In order: those that no condition tells from others.
    always: Box<[usize]>,
    lookups: Box<[Lookup]>,
}

/// What is filed under one condition.
#[derive(Clone, Debug)]
enum Bucket {
    Few(Box<[usize]>),
    Many(Box<Index>),
}

impl Index {
    /// An index of these conditions, by their places.
    pub(crate) fn new<'p>(all: impl IntoIterator<Item = (usize, Conditions<'p>)>) -> Self {
        build::index(all.into_iter().collect())
    }

    /// The places that every request may meet, in order; [`find`](Self::find) leaves them out.
    pub(crate) fn always(&self) -> &[usize] {
        &self.always
    }

    /// Adds the other places that a request may meet: some in vain, some twice.
    pub(crate) fn find(&self, request: &Request<'_>, found: &mut Places) {
        for lookup in &self.lookups {
            lookup.find(request, &mut |bucket| bucket.collect(request, found));
        }
    }

    /// The first place that a request may meet and that holds.
    pub(crate) fn first(&self, request: &Request<'_>, holds: impl Fn(usize) -> bool) -> Option<usize> {
        let always = self.always.iter().copied().find(|place| holds(*place));
        if self.lookups.is_empty() {
            return always;
        }
        let mut found = Places::new();
        self.find(request, &mut found);
        found.sort_unstable();
        let before = |place: &usize| always.is_none_or(|always| *place < always);
        found.into_iter().take_while(before).find(|place| holds(*place)).or(always)
    }
}

impl Bucket {
    fn collect(&self, request: &Request<'_>, found: &mut Places) {
        match self {
            Self::Few(places) => found.extend_from_slice(places),
            Self::Many(index) => {
                found.extend_from_slice(&index.always);
                index.find(request, found);
            }
        }
    }
}
