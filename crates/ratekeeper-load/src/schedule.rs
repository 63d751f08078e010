//! When requests are due: at fixed instants, whatever the server does.

use std::time::Duration;

/// Requests a second, to the thousandth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// The most: beyond it instants a nanosecond apart could not be told from each other.
    const MOST: u64 = 10_000_000;

    /// A rate of so many thousandths of a request a second, at least one and at most ten million requests.
    #[must_use]
    pub fn from_thousandths(thousandths: u64) -> Self {
        Self(thousandths.clamp(1, Self::MOST * 1000))
    }

    /// A rate of so many requests a second.
    #[must_use]
    pub fn per_second(requests: u64) -> Self {
        Self::from_thousandths(requests.saturating_mul(1000))
    }

    /// A rate as people write it: `1000`, or `0.5`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 3 || !digits(whole) || !digits(part) {
            return None;
        }
        let thousandths = whole.parse::<u64>().ok()?.checked_mul(1000)?;
        let thousandths = thousandths + format!("{part:0<3}").parse::<u64>().ok()?;
        (1..=Self::MOST * 1000).contains(&thousandths).then_some(Self(thousandths))
    }

    /// In thousandths of a request a second.
    #[must_use]
    pub fn thousandths(self) -> u64 {
        self.0
    }

    /// This rate times a fraction.
    #[must_use]
    pub fn times(self, numerator: u64, denominator: u64) -> Self {
        let product = u128::from(self.0) * u128::from(numerator) / u128::from(denominator.max(1));
        Self::from_thousandths(u64::try_from(product).unwrap_or(u64::MAX))
    }
}

/// Instants since the start, in which requests are due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    rate: Rate,
    lasts: Duration,
}

/// Nanoseconds in a second, times thousandths in a request.
const SCALE: u128 = 1_000_000_000_000;

impl Schedule {
    pub(crate) fn new(rate: Rate, lasts: Duration) -> Self {
        Self { rate, lasts }
    }

    /// How many requests there are in all: the first is due at once, none at the very end.
    pub(crate) fn total(&self) -> u64 {
        count((self.lasts.as_nanos() * u128::from(self.rate.0)).div_ceil(SCALE))
    }

    /// When a request is due.
    pub(crate) fn due(&self, index: u64) -> Duration {
        Duration::from_nanos(count(u128::from(index) * SCALE / u128::from(self.rate.0)))
    }

    /// How many requests are due until then.
    pub(crate) fn due_by(&self, elapsed: Duration) -> u64 {
        // One more than those before: what is due at this very instant is due. Rounded as in `due`.
        let nanos = elapsed.as_nanos() + 1;
        count((nanos * u128::from(self.rate.0)).div_ceil(SCALE)).min(self.total())
    }
}

fn count(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        for (text, thousandths) in [
            ("1000", Some(1_000_000)),
            ("0.5", Some(500)),
            ("2.125", Some(2125)),
        ] {
            assert_eq!(Rate::parse(text).map(Rate::thousandths), thousandths, "{text}");
        }
        for text in [
            "",
            "0",
            "-1",
            ".5",
            "1e3",
            "1.2345",
            "10000001",
            "99999999999999999999",
            "+5",
        ] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_is_due_at_once_and_none_at_the_end() {
        let schedule = Schedule::new(Rate::per_second(4), Duration::from_secs(2));
        assert_eq!(schedule.total(), 8);
        assert_eq!(schedule.due_by(Duration::ZERO), 1);
        assert_eq!(schedule.due_by(Duration::from_millis(249)), 1);
        assert_eq!(schedule.due_by(Duration::from_millis(250)), 2);
        assert_eq!(schedule.due_by(Duration::from_secs(60)), 8);
        assert_eq!(Schedule::new(Rate::per_second(1), Duration::from_millis(1)).total(), 1);
    }

    proptest::proptest! {
        /// What is due, and when, are two views of one schedule, whatever the rate.
        #[test]
        fn due_and_due_by_agree(thousandths in 1_u64..10_000_000_000, index in 0_u64..1_000_000_000) {
            let schedule = Schedule::new(Rate::from_thousandths(thousandths), Duration::from_secs(1 << 50));
            let due = schedule.due(index);
            proptest::prop_assert!(schedule.due_by(due) > index);
            if let Some(before) = due.checked_sub(Duration::from_nanos(1)) {
                proptest::prop_assert!(schedule.due_by(before) <= index);
            }
        }
    }
}
