//! Who was refused most.

use std::collections::HashMap;

/// Counts by rule and subject.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    counts: HashMap<(usize, Vec<String>), u64>,
}

impl Ranking {
    pub(crate) fn add(&mut self, rule: usize, subject: Vec<String>) {
        *self.counts.entry((rule, subject)).or_default() += 1;
    }

    /// How many different subjects were refused.
    pub(crate) fn subjects(&self) -> usize {
        self.counts.len()
    }

    /// The `most` highest counts, equal ones by rule and name.
    pub(crate) fn top(&self, most: usize) -> Vec<(usize, &[String], u64)> {
        let mut all: Vec<_> = self
            .counts
            .iter()
            .map(|((rule, subject), count)| (*rule, subject.as_slice(), *count))
            .collect();
        all.sort_unstable_by(|a, b| b.2.cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
        all.truncate(most);
        all
    }
}
