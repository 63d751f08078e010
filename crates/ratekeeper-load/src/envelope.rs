//! The most that a limit may admit within a span of time, as the reference of algorithms states it, and the least that it
//! admits while more is asked for than it lets pass.

use std::time::Duration;

use ratekeeper_core::{Algorithm, Limit};

/// A clock that a time service corrects runs at most this much faster or slower than ours, 500 in a million.
const SLEWED: u128 = 2000;

/// The most units that pass within a span of this length, wherever it begins.
///
/// `None` for slots, which are about how many are held at once.
pub(crate) fn most(limit: &Limit, span: Duration) -> Option<u64> {
    let micros = span.as_micros() + span.as_micros() / SLEWED + 1;
    let (count, window) = (u128::from(limit.count()), u128::from(limit.window().get()));
    // Of windows of a length, a span touches at most so many.
    let touched = micros / window + 2;
    let covered = micros.div_ceil(window);
    Some(units(match limit.algorithm() {
        Algorithm::FixedWindow | Algorithm::CalendarWindow => count * touched,
        Algorithm::SlidingWindow => (count * touched).min((2 * count - 1) * covered),
        Algorithm::SlidingLog => count * covered,
        Algorithm::TokenBucket | Algorithm::LeakyBucket | Algorithm::LeakyQueue => {
            bucket(limit) + micros * count / window
        }
        _ => return None,
    }))
}

/// The least units that pass within a span of this length, of an unused counter of which more is asked all the while.
pub(crate) fn least(limit: &Limit, span: Duration) -> u64 {
    let micros = span.as_micros().saturating_sub(span.as_micros() / SLEWED + 1);
    let (count, window) = (u128::from(limit.count()), u128::from(limit.window().get()));
    units(match limit.algorithm() {
        Algorithm::TokenBucket | Algorithm::LeakyBucket | Algorithm::LeakyQueue => {
            bucket(limit) + micros * count / window
        }
        _ => count * (micros / window).max(1),
    })
}

/// What an unused bucket, or an empty queue, lets pass at once.
fn bucket(limit: &Limit) -> u128 {
    limit.capacity() / u128::from(limit.ticks_per_unit())
}

fn units(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use ratekeeper_core::Micros;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn buckets_admit_their_burst_and_what_refills() {
        let limit = Limit::token_bucket(1000, Micros::MINUTE).unwrap().with_burst(50).unwrap();
        assert_eq!(most(&limit, Duration::ZERO), Some(50));
        assert_eq!(most(&limit, 6 * SECOND), Some(150));
        assert_eq!(least(&limit, 6 * SECOND), 149);
    }

    #[test]
    fn windows_admit_their_count_in_each_that_is_touched() {
        let limit = Limit::fixed_window(10, Micros::SECOND).unwrap();
        assert_eq!(most(&limit, Duration::ZERO), Some(20));
        assert_eq!(most(&limit, SECOND), Some(30));
        assert_eq!(least(&limit, SECOND), 10);
        assert_eq!(least(&limit, 3 * SECOND), 20, "a clock that is slewed may not have seen the third");
    }

    #[test]
    fn sliding_windows_and_logs_are_tighter() {
        let sliding = Limit::sliding_window(10, Micros::MINUTE).unwrap();
        assert_eq!(most(&sliding, SECOND), Some(19));
        let log = Limit::sliding_log(10, Micros::MINUTE).unwrap();
        assert_eq!(most(&log, SECOND), Some(10));
        assert_eq!(most(&log, 60 * SECOND), Some(20));
    }

    #[test]
    fn slots_have_no_envelope_of_this_kind() {
        assert_eq!(most(&Limit::concurrency(10, Micros::SECOND).unwrap(), SECOND), None);
    }
}
