//! In what two policies differ.

use std::collections::{BTreeMap, HashMap};

use ratekeeper_core::Timestamp;
use ratekeeper_engine::Outcome;
use ratekeeper_policy::{Attributes, Mode};

/// Which policy refuses a request that the other lets pass, by which rules, and whom the first of them counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Refusal {
    /// Whether it is the second policy that refuses.
    pub(crate) second: bool,
    /// The names of the rules; none for the deny list.
    pub(crate) rules: Vec<String>,
    pub(crate) subject: Vec<String>,
}

/// How many requests of a kind there are, and where the first of them stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Differing {
    pub(crate) count: u64,
    pub(crate) log: usize,
    pub(crate) line: u64,
    pub(crate) time: Timestamp,
}

/// Requests by who refuses them.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    pub(crate) refused_by_both: u64,
    pub(crate) refused_by_first: u64,
    pub(crate) refused_by_second: u64,
    differing: HashMap<Refusal, Differing>,
}

impl Difference {
    /// Compares what two policies say of the request on a line of a log.
    pub(crate) fn add(
        &mut self,
        (log, line, time): (usize, u64, Timestamp),
        attributes: &Attributes<'_>,
        first: &Outcome,
        second: &Outcome,
    ) {
        let refusing = match (first.allowed(), second.allowed()) {
            (true, true) => return,
            (false, false) => {
                self.refused_by_both += 1;
                return;
            }
            (false, true) => {
                self.refused_by_first += 1;
                first
            }
            (true, false) => {
                self.refused_by_second += 1;
                second
            }
        };
        let refusal = Refusal {
            second: first.allowed(),
            rules: rules(refusing),
            subject: subject(refusing, attributes),
        };
        let nothing = Differing { count: 0, log, line, time };
        self.differing.entry(refusal).or_insert(nothing).count += 1;
    }

    /// How many different subjects and rules there are.
    pub(crate) fn subjects(&self) -> usize {
        self.differing.len()
    }

    /// The `most` subjects in which the policies differ most, equal ones in the order of the log.
    pub(crate) fn top(&self, most: usize) -> Vec<(&Refusal, Differing)> {
        let mut all: Vec<_> =
            self.differing.iter().map(|(refusal, differing)| (refusal, *differing)).collect();
        all.sort_unstable_by_key(|(_, of)| (std::cmp::Reverse(of.count), of.log, of.line));
        all.truncate(most);
        all
    }

    /// The rules of one policy by how many requests they alone refuse, the most first.
    pub(crate) fn by_rules(&self, second: bool) -> Vec<(&[String], u64)> {
        let mut counts = BTreeMap::<&[String], u64>::new();
        for (refusal, differing) in self.differing.iter().filter(|(refusal, _)| refusal.second == second) {
            *counts.entry(&refusal.rules).or_default() += differing.count;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }
}

fn rules(outcome: &Outcome) -> Vec<String> {
    let rules = outcome.policy().rules();
    let missing = outcome.missing_key.iter().copied();
    let enforced = missing.filter(|index| rules[*index].mode() == Mode::Enforce);
    let mut indices: Vec<usize> = outcome.refusing().map(|limit| limit.rule).chain(enforced).collect();
    indices.sort_unstable();
    indices.dedup();
    indices.into_iter().map(|index| rules[index].name().to_owned()).collect()
}

/// Whom the first refusing limit counts; where no limit refuses, the client's address.
fn subject(outcome: &Outcome, attributes: &Attributes<'_>) -> Vec<String> {
    match outcome.refusing().next() {
        Some(limit) => outcome.rule(limit).subject(attributes),
        None => vec![attributes.ip.map_or_else(|| "-".to_owned(), |ip| ip.to_string())],
    }
}
