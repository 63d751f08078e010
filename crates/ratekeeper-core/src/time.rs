//! Instants and spans, both in whole microseconds.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// The largest instant, span and count that ratekeeper handles: 2^53 − 1, the last integer up to which
/// doubles are exact, so that stores whose scripts compute in doubles agree with the rest.
pub const MAX_EXACT: u64 = (1 << 53) - 1;

/// An instant: whole microseconds since the Unix epoch, at most [`MAX_EXACT`] (June 2255).
///
/// Every constructor and operation saturates at the ends of that range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// The last instant, 2^53 − 1 µs after the epoch.
    pub const MAX: Self = Self(MAX_EXACT);

    /// The instant `micros` microseconds after the epoch; saturates at [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(if micros > MAX_EXACT { MAX_EXACT } else { micros })
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`, or zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }

    /// `span` before this instant, not before the epoch.
    #[must_use]
    pub const fn before(self, span: Micros) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Add<Micros> for Timestamp {
    type Output = Self;
    fn add(self, span: Micros) -> Self {
        Self::from_micros(self.0.saturating_add(span.0))
    }
}

/// A span of time in whole microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(u64);

impl Micros {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One second.
    pub const SECOND: Self = Self(1_000_000);
    /// Sixty seconds.
    pub const MINUTE: Self = Self(60_000_000);
    /// Sixty minutes.
    pub const HOUR: Self = Self(3_600_000_000);
    /// Twenty-four hours; a calendar day may be shorter or longer, see [`Calendar`](crate::Calendar).
    pub const DAY: Self = Self(86_400_000_000);

    /// A span of `micros` microseconds.
    #[must_use]
    pub const fn new(micros: u64) -> Self {
        Self(micros)
    }

    /// A span of `seconds` seconds; saturates.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// The number of microseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whole seconds, rounded up: what a `Retry-After` header says.
    #[must_use]
    pub const fn as_secs_ceil(self) -> u64 {
        self.0.div_ceil(1_000_000)
    }
}

impl From<Micros> for Duration {
    fn from(span: Micros) -> Self {
        Self::from_micros(span.0)
    }
}

impl From<Duration> for Micros {
    /// Rounds up to a whole microsecond; saturates.
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Micros {
    /// The shortest exact form in one unit: `90s`, `1500ms`, `7us`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 5] = [
            (86_400_000_000, "d"),
            (3_600_000_000, "h"),
            (60_000_000, "m"),
            (1_000_000, "s"),
            (1000, "ms"),
        ];
        for (size, name) in UNITS {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return write!(f, "{}{name}", self.0 / size);
            }
        }
        write!(f, "{}us", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_saturate_at_the_exact_range() {
        assert_eq!(Timestamp::from_micros(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX + Micros::new(1), Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH.before(Micros::SECOND), Timestamp::EPOCH);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Micros::ZERO);
    }

    #[test]
    fn spans_print_in_their_largest_exact_unit() {
        let cases = [
            (0, "0us"),
            (7, "7us"),
            (1500, "1500us"),
            (90_000_000, "90s"),
            (172_800_000_000, "2d"),
        ];
        for (micros, text) in cases {
            assert_eq!(Micros::new(micros).to_string(), text);
        }
    }

    #[test]
    fn durations_round_up_so_that_waiting_them_is_enough() {
        assert_eq!(Micros::from(Duration::from_nanos(1001)), Micros::new(2));
        assert_eq!(Micros::new(1).as_secs_ceil(), 1);
    }
}
