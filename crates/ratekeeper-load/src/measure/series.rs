//! How a run went over time, in a bounded number of points.

use std::time::Duration;

use serde::Serialize;

use super::{Tally, micros};

/// The most points: when there are more, neighbours become one.
const MOST: usize = 1200;

/// What happened until an instant, since that of the point before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Point {
    /// The instant, in milliseconds since the phase began.
    pub(crate) at_ms: u64,
    /// Requests that were allowed.
    pub(crate) allowed: u64,
    /// Requests that were denied.
    pub(crate) denied: u64,
    /// Requests without an answer.
    pub(crate) errors: u64,
    /// The 99th percentile of the latency; of points that became one, the greater.
    pub(crate) p99_us: u64,
    /// The greatest latency.
    pub(crate) max_us: u64,
}

/// Points in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    points: Vec<Point>,
}

impl Series {
    /// Adds what happened until then.
    pub(crate) fn add(&mut self, at: Duration, window: &Tally) {
        if self.points.len() == MOST {
            self.points = self.points.chunks(2).map(merged).collect();
        }
        self.points.push(Point {
            at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            allowed: window.allowed,
            denied: window.denied,
            errors: window.failed(),
            p99_us: micros(window.latency.value_at_quantile(0.99)),
            max_us: micros(window.latency.max()),
        });
    }

    pub(crate) fn into_points(self) -> Vec<Point> {
        self.points
    }
}

fn merged(points: &[Point]) -> Point {
    points.iter().fold(Point::default(), |sum, point| Point {
        at_ms: point.at_ms,
        allowed: sum.allowed + point.allowed,
        denied: sum.denied + point.denied,
        errors: sum.errors + point.errors,
        p99_us: sum.p99_us.max(point.p99_us),
        max_us: sum.max_us.max(point.max_us),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_its_sums_in_few_points() {
        let mut window = Tally::new().unwrap();
        window.allowed = 3;
        let mut series = Series::default();
        (1..=10_000_u64).for_each(|second| series.add(Duration::from_secs(second), &window));
        let points = series.into_points();
        assert!(points.len() <= MOST);
        assert_eq!(points.iter().map(|point| point.allowed).sum::<u64>(), 30_000);
        assert_eq!(points.last().unwrap().at_ms, 10_000_000);
        assert!(points.windows(2).all(|two| two[0].at_ms < two[1].at_ms));
    }
}
