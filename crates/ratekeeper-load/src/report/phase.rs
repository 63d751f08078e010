//! What is told of one stretch of load.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{millis, per_second};
use crate::measure::{Point, micros};
use crate::options::Load;
use crate::phase::Measured;

/// From this share of the time on, in percent, threads are busy.
const BUSY: u64 = 90;
/// How late the generator may let requests go, in microseconds, before it is said to be too slow.
const LATE: u64 = 1000;

/// A stretch of load.
#[derive(Debug, Serialize)]
pub(crate) struct PhaseReport {
    /// Requests a second, in thousandths; `null` in a closed loop.
    pub(crate) offered_per_1000s: Option<u64>,
    pub(crate) duration_ms: u64,
    /// Requests that were due and either sent or given up.
    pub(crate) due: u64,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) allowed: u64,
    pub(crate) denied: u64,
    /// Decided without a counter that should have been asked.
    pub(crate) degraded: u64,
    pub(crate) errors: Errors,
    /// Answers a second.
    pub(crate) answered_per_second: u64,
    /// From when a request was due until its answer.
    pub(crate) latency_us: Quantiles,
    pub(crate) generator: Generator,
    pub(crate) timeline: Vec<Point>,
}

/// Requests without an answer.
#[derive(Debug, Serialize)]
pub(crate) struct Errors {
    pub(crate) total: u64,
    pub(crate) kinds: BTreeMap<String, Kind>,
}

/// Those of one kind.
#[derive(Debug, Serialize)]
pub(crate) struct Kind {
    pub(crate) count: u64,
    pub(crate) first: String,
}

/// Microseconds, rounded up.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) count: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    #[serde(rename = "p99.9")]
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

/// How the generator itself did.
#[derive(Debug, Serialize)]
pub(crate) struct Generator {
    /// How late requests were let go.
    pub(crate) released_late_us: Quantiles,
    /// How late requests were begun for which a connection was free.
    pub(crate) began_late_us: Quantiles,
    /// Requests that found all connections busy.
    pub(crate) queued: u64,
    /// The share of the time that its threads were busy.
    pub(crate) busy_percent: u64,
    /// Why the figures are the generator's more than the server's; empty if they are the server's.
    pub(crate) was_bottleneck: Vec<String>,
}

impl Quantiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| micros(histogram.value_at_quantile(quantile)).min(micros(histogram.max()));
        Self {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: micros(histogram.max()),
        }
    }
}

impl PhaseReport {
    pub(crate) fn new(measured: Measured) -> Self {
        let Measured { load, lasted, tally, points, late, busy_percent } = measured;
        let latency_us = Quantiles::of(&tally.latency);
        let kind =
            |errors: &crate::measure::Errors| Kind { count: errors.count, first: errors.first.clone() };
        let kinds = tally.errors.iter().map(|(name, errors)| (name.clone().into_owned(), kind(errors)));
        Self {
            offered_per_1000s: match load {
                Load::Constant(rate) => Some(rate.thousandths()),
                Load::Closed => None,
            },
            duration_ms: millis(lasted),
            due: tally.answered() + tally.failed(),
            sent: tally.sent,
            answered: tally.answered(),
            allowed: tally.allowed,
            denied: tally.denied,
            degraded: tally.degraded,
            errors: Errors { total: tally.failed(), kinds: kinds.collect() },
            answered_per_second: per_second(tally.answered(), lasted),
            generator: Generator::new(
                Quantiles::of(&late),
                Quantiles::of(&tally.late),
                tally.queued,
                busy_percent,
                latency_us,
            ),
            latency_us,
            timeline: points,
        }
    }
}

impl Generator {
    fn new(
        released_late_us: Quantiles,
        began_late_us: Quantiles,
        queued: u64,
        busy_percent: u64,
        latency: Quantiles,
    ) -> Self {
        let mut reasons = Vec::new();
        if busy_percent >= BUSY {
            reasons.push(format!("its threads were busy {busy_percent} % of the time"));
        }
        // Of what clients wait, half would be our own.
        let late = |late: u64| late > LATE && late * 2 > latency.p99;
        if late(released_late_us.p99) {
            let p99 = released_late_us.p99;
            reasons.push(format!("it let requests go late: 1 % of them by {p99} us or more"));
        } else if late(began_late_us.p99) {
            let p99 = began_late_us.p99;
            reasons.push(format!("free connections began late: 1 % by {p99} us or more"));
        }
        Self { released_late_us, began_late_us, queued, busy_percent, was_bottleneck: reasons }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiles(p99: u64) -> Quantiles {
        Quantiles { count: 1, p50: 1, p90: 1, p99, p999: p99, max: p99 }
    }

    #[test]
    fn the_generator_says_when_the_figures_are_its_own() {
        let reasons = |released, began, busy, latency| {
            let generator =
                Generator::new(quantiles(released), quantiles(began), 0, busy, quantiles(latency));
            generator.was_bottleneck.len()
        };
        assert_eq!(reasons(60, 120, 50, 200), 0, "a timer's grain is nobody's bottleneck");
        assert_eq!(reasons(5_000, 5_000, 50, 5_100), 1);
        assert_eq!(reasons(60, 5_000, 50, 5_100), 1);
        assert_eq!(reasons(5_000, 5_000, 50, 90_000), 0, "the server was slower by far");
        assert_eq!(reasons(5_000, 60, 97, 5_100), 2);
    }
}
