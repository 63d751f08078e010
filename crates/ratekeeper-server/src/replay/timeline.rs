//! Requests and refusals over the time of a log, in bounded memory.

use std::collections::BTreeMap;

use ratekeeper_core::Timestamp;

/// More buckets than this are merged two by two.
const MAX_BUCKETS: usize = 4096;

/// Counts in one span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) requests: u64,
    pub(crate) refused: u64,
}

/// A histogram over time whose buckets widen as the log grows longer.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// The width of a bucket in seconds: a power of two.
    width: u64,
    buckets: BTreeMap<u64, Bucket>,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self { width: 1, buckets: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, time: Timestamp, refused: bool) {
        let bucket = self.buckets.entry(time.as_micros() / 1_000_000 / self.width).or_default();
        bucket.requests += 1;
        bucket.refused += u64::from(refused);
        while self.buckets.len() > MAX_BUCKETS {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.width *= 2;
        for (index, bucket) in std::mem::take(&mut self.buckets) {
            let merged = self.buckets.entry(index / 2).or_default();
            merged.requests += bucket.requests;
            merged.refused += bucket.refused;
        }
    }

    /// At most `rows` rows of equal, round width from the first request to the last: when each begins, in seconds since
    /// the epoch, and its counts.
    pub(crate) fn rows(&self, rows: u64) -> Vec<(u64, Bucket)> {
        let (Some((first, _)), Some((last, _))) =
            (self.buckets.first_key_value(), self.buckets.last_key_value())
        else {
            return Vec::new();
        };
        let (first, end) = (first * self.width, (last + 1) * self.width);
        let fits = |step: &&u64| end.div_ceil(**step) - first / **step <= rows;
        let step = STEPS.iter().find(fits).copied().unwrap_or_else(|| (end - first).div_ceil(rows).max(1));
        let mut merged: BTreeMap<u64, Bucket> =
            (first / step..end.div_ceil(step)).map(|row| (row, Bucket::default())).collect();
        for (index, bucket) in &self.buckets {
            let row = merged.entry(index * self.width / step).or_default();
            row.requests += bucket.requests;
            row.refused += bucket.refused;
        }
        merged.into_iter().map(|(row, bucket)| (row * step, bucket)).collect()
    }
}

/// Widths of rows in seconds that people read easily.
const STEPS: [u64; 17] = [
    1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 7_776_000,
    31_536_000,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_long_log_keeps_few_buckets_and_loses_no_request() {
        let mut timeline = Timeline::new();
        for second in 0..100_000 {
            timeline.add(at(second * 7), second % 10 == 0);
        }
        assert!(timeline.buckets.len() <= MAX_BUCKETS);
        let rows = timeline.rows(24);
        assert!(rows.len() <= 24);
        assert_eq!(rows.iter().map(|(_, bucket)| bucket.requests).sum::<u64>(), 100_000);
        assert_eq!(rows.iter().map(|(_, bucket)| bucket.refused).sum::<u64>(), 10_000);
    }

    #[test]
    fn rows_begin_at_round_times_and_have_no_gaps() {
        let mut timeline = Timeline::new();
        timeline.add(at(3_600 * 5 + 10), false);
        timeline.add(at(3_600 * 20), true);
        let rows = timeline.rows(24);
        assert_eq!(rows.first().map(|row| row.0), Some(3_600 * 5));
        assert_eq!(rows.len(), 16);
        assert!(Timeline::new().rows(24).is_empty());
    }

    #[test]
    fn instants_at_the_ends_of_time_fit() {
        let mut timeline = Timeline::new();
        timeline.add(Timestamp::EPOCH, false);
        timeline.add(Timestamp::MAX, true);
        assert!(timeline.rows(24).len() <= 24);
    }
}
