//! Periods of the civil calendar in a time zone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as JiffTimestamp};

use crate::limit::LimitError;
use crate::time::Timestamp;

/// A period of the civil calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// From the first instant of a date to the first instant of the next.
    Day,
    /// Seven dates from Monday on.
    Week,
    /// A month of the calendar, 28 to 31 dates.
    Month,
    /// A year of the calendar.
    Year,
}

impl Period {
    /// The English name: `day`, `week`, `month`, `year`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    fn first_date(self, date: Date) -> Date {
        match self {
            Self::Day => date,
            Self::Week => {
                let since_monday = i64::from(date.weekday().to_monday_zero_offset());
                date.saturating_sub(Span::new().days(since_monday))
            }
            Self::Month => date.first_of_month(),
            Self::Year => date.first_of_year(),
        }
    }

    fn next_date(self, first: Date) -> Date {
        let span = match self {
            Self::Day => Span::new().days(1),
            Self::Week => Span::new().days(7),
            Self::Month => Span::new().months(1),
            Self::Year => Span::new().years(1),
        };
        first.saturating_add(span)
    }
}

/// A calendar: a [`Period`] in an IANA time zone, whose rules are bundled with ratekeeper.
///
/// ```
/// use ratekeeper_core::{Calendar, Period, Timestamp};
/// let days = Calendar::new(Period::Day, "Europe/Paris")?;
/// // 2024-03-31 has 23 hours there: the clocks jump from 02:00 to 03:00.
/// let (start, end) = days.around(Timestamp::from_micros(1_711_900_000_000_000));
/// assert_eq!(end.since(start).get(), 23 * 3_600_000_000);
/// # Ok::<_, ratekeeper_core::LimitError>(())
/// ```
#[derive(Clone)]
pub struct Calendar(Arc<Inner>);

struct Inner {
    period: Period,
    zone: TimeZone,
    name: String,
    /// The last period answered, packed as `start in seconds << 28 | length in seconds`: one word, so that
    /// threads never see the halves of two periods. Periods begin on whole seconds in every zone.
    last: AtomicU64,
}

const LENGTH_BITS: u32 = 28;

impl Calendar {
    /// Periods of the zone with the IANA name `zone`, such as `Europe/Paris` or `UTC`.
    ///
    /// # Errors
    /// [`LimitError::TimeZone`] if the bundled time zone database has no such zone.
    pub fn new(period: Period, zone: &str) -> Result<Self, LimitError> {
        let found = jiff::tz::db().get(zone).map_err(|_| LimitError::TimeZone { name: zone.to_owned() })?;
        let name = found.iana_name().unwrap_or(zone).to_owned();
        Ok(Self(Arc::new(Inner { period, zone: found, name, last: AtomicU64::new(0) })))
    }

    /// The period of this calendar.
    #[must_use]
    pub fn period(&self) -> Period {
        self.0.period
    }

    /// The IANA name of the zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.0.name
    }

    /// The period that `now` lies in: its first instant, and the first instant of the next.
    ///
    /// Where a zone sets its clocks back over midnight, a date has begun at its first instant, whatever the
    /// clock on the wall says a little later: periods never overlap.
    #[must_use]
    pub fn around(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let packed = self.0.last.load(Ordering::Relaxed);
        let (start, length) = (packed >> LENGTH_BITS, packed & ((1 << LENGTH_BITS) - 1));
        let seconds = now.as_micros() / 1_000_000;
        if seconds >= start && seconds - start < length {
            return (from_seconds(start), from_seconds(start + length));
        }
        let (start, end) = self.compute(seconds);
        self.0.last.store(start << LENGTH_BITS | (end - start), Ordering::Relaxed);
        (from_seconds(start), from_seconds(end))
    }

    /// The bounds of the period, in seconds.
    fn compute(&self, now: u64) -> (u64, u64) {
        let instant = i64::try_from(now).ok().and_then(|seconds| JiffTimestamp::from_second(seconds).ok());
        // Timestamp::MAX is in the year 2255, far inside what jiff can represent.
        let instant = instant.unwrap_or(JiffTimestamp::UNIX_EPOCH);
        let mut first = self.0.period.first_date(instant.to_zoned_datetime(self.0.zone.clone()).date());
        loop {
            let next = self.0.period.next_date(first);
            let end = self.first_second(next);
            if end > now || next == first {
                return (self.first_second(first), end);
            }
            first = next;
        }
    }

    /// The first second of a date, zero if that was before the epoch: midnight, or the end of the gap that
    /// swallowed midnight.
    fn first_second(&self, date: Date) -> u64 {
        let zoned = date.to_zoned_datetime(self.0.zone.clone());
        let seconds = zoned.map_or(0, |zoned| zoned.timestamp().as_second());
        u64::try_from(seconds).unwrap_or(0)
    }
}

fn from_seconds(seconds: u64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.0.period == other.0.period && self.0.name == other.0.name
    }
}

impl Eq for Calendar {}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calendar({self})")
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.0.period.name(), self.0.name)
    }
}
