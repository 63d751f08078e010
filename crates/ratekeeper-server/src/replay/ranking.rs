//! Who was refused most.

use std::collections::HashMap;

use ratekeeper_core::Timestamp;

/// How often one subject was refused, and between which instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusals {
    pub(crate) count: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// Refusals by rule and subject.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    refusals: HashMap<(usize, Vec<String>), Refusals>,
}

/// A subject of a rule, and its refusals.
#[derive(Debug)]
pub(crate) struct Ranked<'a> {
    pub(crate) rule: usize,
    pub(crate) subject: &'a [String],
    pub(crate) refusals: Refusals,
}

impl Ranking {
    pub(crate) fn add(&mut self, rule: usize, subject: Vec<String>, time: Timestamp) {
        let never = Refusals { count: 0, first: time, last: time };
        let refusals = self.refusals.entry((rule, subject)).or_insert(never);
        refusals.count += 1;
        refusals.first = refusals.first.min(time);
        refusals.last = refusals.last.max(time);
    }

    /// How many different subjects were refused.
    pub(crate) fn subjects(&self) -> usize {
        self.refusals.len()
    }

    /// The `most` highest counts, equal ones by rule and name.
    pub(crate) fn top(&self, most: usize) -> Vec<Ranked<'_>> {
        let ranked = self.refusals.iter().map(|((rule, subject), refusals)| Ranked {
            rule: *rule,
            subject,
            refusals: *refusals,
        });
        let mut all: Vec<Ranked<'_>> = ranked.collect();
        all.sort_unstable_by(|a, b| {
            let counts = b.refusals.count.cmp(&a.refusals.count);
            counts.then_with(|| (a.rule, a.subject).cmp(&(b.rule, b.subject)))
        });
        all.truncate(most);
        all
    }
}
