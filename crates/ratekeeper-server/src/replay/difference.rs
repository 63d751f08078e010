//! In what two policies differ.

use ratekeeper_core::Timestamp;
use ratekeeper_engine::Outcome;

/// How many differing requests are remembered.
const REMEMBERED: usize = 20;

/// A request that one policy refuses and the other does not.
#[derive(Debug)]
pub(crate) struct Differing {
    pub(crate) log: usize,
    pub(crate) line: u64,
    pub(crate) time: Timestamp,
    /// Whether it is the second policy that refuses.
    pub(crate) second: bool,
    /// The rules that refuse, and whom.
    pub(crate) by: String,
}

/// Requests by who refuses them.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    pub(crate) refused_by_both: u64,
    pub(crate) refused_by_first: u64,
    pub(crate) refused_by_second: u64,
    pub(crate) examples: Vec<Differing>,
}

impl Difference {
    pub(crate) fn add(&mut self, log: usize, line: u64, time: Timestamp, first: &Outcome, second: &Outcome) {
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
        if self.examples.len() < REMEMBERED {
            let by = refused_by(refusing);
            self.examples.push(Differing { log, line, time, second: first.allowed(), by });
        }
    }
}

/// The names of the rules that refuse, or the list.
fn refused_by(outcome: &Outcome) -> String {
    let mut names: Vec<&str> = outcome.refusing().map(|limit| outcome.rule(limit).name()).collect();
    names.extend(outcome.missing_key.iter().map(|index| outcome.policy().rules()[*index].name()));
    names.dedup();
    if outcome.listed().is_some() {
        "the deny list".to_owned()
    } else {
        names.join(", ")
    }
}
