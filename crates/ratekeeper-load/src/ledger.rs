//! What each key was given, and when: enough to hold it against its limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::client::{Answer, Problem};
use crate::draw::Question;

/// The most keys of which a book is kept.
pub(crate) const MOST_KEYS: u64 = 100_000;

/// One entry for each key.
#[derive(Debug)]
pub(crate) struct Ledger {
    keys: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    admitted: AtomicU64,
    denied: AtomicU64,
    unanswered: AtomicU64,
    /// In microseconds: when the first request was sent that was admitted, and when the last such answer came. Decisions
    /// about all of them lie between.
    first: AtomicU64,
    last: AtomicU64,
    /// When the first answer of any kind came, and the last request was sent: between them more was asked all the while.
    answered_from: AtomicU64,
    sent_until: AtomicU64,
}

/// What one key was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// Units.
    pub(crate) admitted: u64,
    /// Requests.
    pub(crate) denied: u64,
    /// Requests that nobody knows of whether they were admitted.
    pub(crate) unanswered: u64,
    /// A span in which all that was admitted was admitted: not shorter than the true one.
    pub(crate) within: Duration,
    /// A span in which more was asked for: not longer than the true one.
    pub(crate) asked_for: Duration,
}

impl Ledger {
    pub(crate) fn new(keys: u64) -> Self {
        let entry = || Entry {
            admitted: AtomicU64::new(0),
            denied: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            answered_from: AtomicU64::new(u64::MAX),
            sent_until: AtomicU64::new(0),
        };
        Self { keys: (0..keys.min(MOST_KEYS)).map(|_| entry()).collect() }
    }

    /// Notes a request that was sent and ended at these instants.
    pub(crate) fn note(
        &self,
        question: Question,
        sent: Duration,
        ended: Duration,
        outcome: &Result<Answer, Problem>,
    ) {
        let Some(entry) = usize::try_from(question.key).ok().and_then(|key| self.keys.get(key)) else {
            return;
        };
        let (sent, ended) = (micros(sent), micros(ended) + 1);
        match outcome {
            Ok(answer) if answer.allowed => {
                entry.admitted.fetch_add(question.cost, Ordering::Relaxed);
                entry.first.fetch_min(sent, Ordering::Relaxed);
                entry.last.fetch_max(ended, Ordering::Relaxed);
            }
            Ok(_) => _ = entry.denied.fetch_add(1, Ordering::Relaxed),
            Err(problem) if *problem == Problem::unsent() => return,
            Err(_) => _ = entry.unanswered.fetch_add(1, Ordering::Relaxed),
        }
        entry.answered_from.fetch_min(ended, Ordering::Relaxed);
        entry.sent_until.fetch_max(sent, Ordering::Relaxed);
    }

    /// What each key was given, of those that were asked for.
    pub(crate) fn given(&self) -> impl Iterator<Item = Given> {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let span = |from: u64, to: u64| Duration::from_micros(to.saturating_sub(from));
        self.keys
            .iter()
            .map(move |entry| Given {
                admitted: load(&entry.admitted),
                denied: load(&entry.denied),
                unanswered: load(&entry.unanswered),
                within: span(load(&entry.first), load(&entry.last)),
                asked_for: span(load(&entry.answered_from), load(&entry.sent_until)),
            })
            .filter(|given| given.admitted + given.denied + given.unanswered > 0)
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_on_the_safe_side() {
        let ledger = Ledger::new(2);
        let at = Duration::from_millis;
        let note = |sent, ended, cost, allowed| {
            let outcome = Ok(Answer { allowed, ..Answer::default() });
            ledger.note(Question { key: 1, cost }, at(sent), at(ended), &outcome);
        };
        note(5, 9, 3, true);
        note(2, 7, 4, true);
        note(8, 20, 4, false);
        let timeout = Err(Problem::timeout());
        ledger.note(Question { key: 1, cost: 1 }, at(10), at(30), &timeout);
        ledger.note(Question { key: 1, cost: 1 }, at(40), at(50), &Err(Problem::unsent()));
        let given: Vec<_> = ledger.given().collect();
        assert_eq!(given.len(), 1, "the other key was not asked for");
        let given = given[0];
        assert_eq!((given.admitted, given.denied, given.unanswered), (7, 1, 1));
        assert_eq!(given.within, Duration::from_micros(7_001), "sent at 2, answered at 9");
        assert_eq!(given.asked_for, Duration::from_micros(2_999), "answered at 7, sent at 10");
    }
}
