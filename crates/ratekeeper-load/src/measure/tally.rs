//! What became of requests, in memory that does not grow with their number.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::client::{Answer, Problem};
use crate::error::LoadError;

/// Nanoseconds that can be told apart from zero, and the most that are kept: an hour.
const LEAST: u64 = 100;
const MOST: u64 = 3_600_000_000_000;
/// Kinds of errors that are counted each by itself.
const KINDS: usize = 32;

/// Counts of answers, and how long they took from when their requests were due.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Requests that were handed to a connection.
    pub(crate) sent: u64,
    pub(crate) allowed: u64,
    pub(crate) denied: u64,
    pub(crate) degraded: u64,
    pub(crate) errors: BTreeMap<Cow<'static, str>, Errors>,
    /// Of answers; and of requests given up, which took at least that long.
    pub(crate) latency: Histogram<u64>,
    /// How late requests were begun for which a connection was free.
    pub(crate) late: Histogram<u64>,
    /// Requests that found all connections busy when they were due.
    pub(crate) queued: u64,
}

/// Errors of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    pub(crate) count: u64,
    /// What the first one said.
    pub(crate) first: String,
}

/// A histogram of spans, to three digits.
///
/// # Errors
/// If it cannot be made: a mistake of ours.
pub(crate) fn histogram() -> Result<Histogram<u64>, LoadError> {
    Histogram::new_with_bounds(LEAST, MOST, 3)
        .map_err(|error| LoadError::option(format!("histogram: {error}")))
}

/// Nanoseconds, as histograms have them, as microseconds, rounded up.
pub(crate) fn micros(nanos: u64) -> u64 {
    nanos.div_ceil(1000)
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl Tally {
    /// # Errors
    /// If the histograms cannot be made: a mistake of ours.
    pub(crate) fn new() -> Result<Self, LoadError> {
        Ok(Self {
            sent: 0,
            allowed: 0,
            denied: 0,
            degraded: 0,
            errors: BTreeMap::new(),
            latency: histogram()?,
            late: histogram()?,
            queued: 0,
        })
    }

    pub(crate) fn answered(&self) -> u64 {
        self.allowed + self.denied
    }

    pub(crate) fn failed(&self) -> u64 {
        self.errors.values().map(|errors| errors.count).sum()
    }

    /// Notes how a request was begun: `late` if a connection was free for it.
    pub(crate) fn begun(&mut self, late: Option<Duration>) {
        match late {
            Some(late) => self.late.saturating_record(nanos(late)),
            None => self.queued += 1,
        }
    }

    /// Notes what became of a request, this long after it was due.
    pub(crate) fn ended(&mut self, took: Duration, outcome: &Result<Answer, Problem>) {
        match outcome {
            Ok(answer) => {
                self.sent += 1;
                *(if answer.allowed {
                    &mut self.allowed
                } else {
                    &mut self.denied
                }) += 1;
                self.degraded += u64::from(answer.degraded);
                self.latency.saturating_record(nanos(took));
            }
            Err(problem) => {
                let unsent = *problem == Problem::unsent();
                self.sent += u64::from(!unsent);
                // Whoever gave up would have waited longer still: left out, the percentiles would look better than they are.
                if unsent || *problem == Problem::timeout() {
                    self.latency.saturating_record(nanos(took));
                }
                self.errors(problem.kind.clone(), &problem.detail).count += 1;
            }
        }
    }

    /// Notes requests that waited this long for a connection, and were given up.
    pub(crate) fn lost(&mut self, count: u64, waited: Duration) {
        let problem = Problem::unsent();
        self.queued += count;
        self.latency.saturating_record_n(nanos(waited), count);
        self.errors(problem.kind, &problem.detail).count += count;
    }

    fn errors(&mut self, kind: Cow<'static, str>, detail: &str) -> &mut Errors {
        let full = self.errors.len() >= KINDS && !self.errors.contains_key(&kind);
        let kind = if full { Cow::Borrowed("other") } else { kind };
        self.errors.entry(kind).or_insert_with(|| Errors { count: 0, first: detail.to_owned() })
    }

    /// Adds what another has counted.
    pub(crate) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.allowed += other.allowed;
        self.denied += other.denied;
        self.degraded += other.degraded;
        self.queued += other.queued;
        for (kind, errors) in &other.errors {
            self.errors(kind.clone(), &errors.first).count += errors.count;
        }
        // All have the same bounds.
        _ = self.latency.add(&other.latency);
        _ = self.late.add(&other.late);
    }

    /// As new, without giving memory back.
    pub(crate) fn clear(&mut self) {
        (self.sent, self.allowed, self.denied, self.degraded, self.queued) = (0, 0, 0, 0, 0);
        self.errors.clear();
        self.latency.reset();
        self.late.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn answer(allowed: bool) -> Result<Answer, Problem> {
        Ok(Answer { allowed, ..Answer::default() })
    }

    #[test]
    fn who_gave_up_counts_with_how_long_it_waited_and_who_was_refused_at_once_does_not() {
        let mut tally = Tally::new().unwrap();
        (0..98).for_each(|_| tally.ended(MILLI, &answer(true)));
        tally.ended(2 * MILLI, &answer(false));
        tally.ended(500 * MILLI, &Err(Problem::timeout()));
        tally.ended(500 * MILLI, &Err(Problem::unsent()));
        tally.ended(Duration::ZERO, &Err(Problem::connect("refused")));
        assert_eq!((tally.allowed, tally.denied, tally.sent, tally.failed()), (98, 1, 101, 3));
        assert_eq!(tally.latency.len(), 101);
        let quantile = |q| tally.latency.value_at_quantile(q) / 1_000_000;
        assert_eq!((quantile(0.5), quantile(0.99)), (1, 500));
        assert_eq!(tally.errors["connect"].first, "refused");
    }

    #[test]
    fn kinds_of_errors_are_bounded() {
        let mut tally = Tally::new().unwrap();
        for number in 0..1000 {
            tally.ended(MILLI, &Err(Problem::new(format!("kind {number}"), "")));
        }
        assert_eq!((tally.errors.len(), tally.failed()), (KINDS + 1, 1000));
    }

    #[test]
    fn sums_are_as_if_one_had_counted_all() {
        let (mut one, mut other) = (Tally::new().unwrap(), Tally::new().unwrap());
        one.ended(MILLI, &answer(true));
        other.ended(3 * MILLI, &Err(Problem::timeout()));
        other.begun(None);
        other.begun(Some(MILLI));
        one.add(&other);
        assert_eq!((one.sent, one.queued, one.late.len(), one.failed()), (2, 1, 1, 1));
        assert_eq!(one.latency.max() / 1_000_000, 3);
        one.clear();
        assert_eq!((one.sent, one.latency.len(), one.failed()), (0, 0, 0));
    }
}
