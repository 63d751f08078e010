//! Calendar window: a fixed window whose bounds are found by looking at the clock on the wall, minute by minute.
//!
//! Of the time zone library it uses nothing but the offset at an instant; dates, weeks, months and years are
//! counted here, so that the arithmetic under test is compared with another one.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;

use super::{Carried, Counter, MAX, to_u64};
use crate::{Holder, Limit, Period, Timestamp, Token};

const SECOND: i128 = 1_000_000;
const DAY: i64 = 86_400;

/// How far back in seconds a clock is set at most, but for changes of the date line, which since 1970 all went
/// forward.
const FURTHEST_BACK: i64 = 4 * 3600;

#[derive(Clone, Debug)]
pub(super) struct CalendarWindow {
    limit: i128,
    wall: Wall,
    /// The start of the window and its count; none before the first write.
    seen: Option<(i128, i128)>,
}

impl CalendarWindow {
    pub(super) fn new(limit: &Limit) -> Self {
        let (period, zone) = limit
            .calendar()
            .map_or((Period::Day, "UTC"), |calendar| (calendar.period(), calendar.zone()));
        Self { limit: i128::from(limit.count()), wall: Wall::new(period, zone), seen: None }
    }

    /// Takes over the count of the same calendar.
    pub(super) fn adopt(limit: &Limit, start: i128, count: i128) -> Self {
        let mut window = Self::new(limit);
        window.seen = Some((start, count));
        window
    }

    fn at(&self, now: i128) -> (i128, i128) {
        let begun = self.wall.begin(now);
        match self.seen {
            Some((start, count)) if start >= begun => (start, count),
            _ => (begun, 0),
        }
    }

    fn end(&self, now: i128) -> i128 {
        self.wall.end(self.at(now).0)
    }
}

impl Counter for CalendarWindow {
    fn boxed(&self) -> Box<dyn Counter> {
        Box::new(self.clone())
    }

    fn fits(&self, now: i128, n: i128) -> bool {
        self.at(now).1 + n <= self.limit
    }

    fn retry_after(&self, now: i128, n: i128) -> Option<i128> {
        (n <= self.limit).then(|| self.end(now) - now)
    }

    fn reset_after(&self, now: i128) -> i128 {
        if self.at(now).1 > 0 {
            self.end(now) - now
        } else {
            0
        }
    }

    fn take(&mut self, now: i128, n: i128, _who: Holder) -> Token {
        let (start, count) = self.at(now);
        self.seen = Some((start, (count + n).min(MAX)));
        Token::Window(to_u64(start.max(0)))
    }

    fn refund(&mut self, now: i128, n: i128, token: Option<Token>) {
        let (start, count) = self.at(now);
        let same = match token {
            Some(Token::Window(taken_in)) => i128::from(taken_in) == start,
            _ => true,
        };
        if same {
            self.seen = Some((start, (count - n).max(0)));
        }
    }

    fn carried(&self) -> Carried {
        let (start, count) = self.seen.unwrap_or((0, 0));
        Carried::Window(start, count, 0)
    }
}

/// The bounds of the period that `now` lies in, by looking at the wall: for tests of
/// [`Calendar::around`](crate::Calendar::around).
#[must_use]
pub fn period_around(period: Period, zone: &str, now: Timestamp) -> (Timestamp, Timestamp) {
    let wall = Wall::new(period, zone);
    let now = i128::from(now.as_micros());
    let instant = |micros: i128| Timestamp::from_micros(to_u64(micros));
    (instant(wall.begin(now)), instant(wall.end(now)))
}

/// A clock and a calendar on the wall.
#[derive(Clone, Debug)]
struct Wall {
    period: Period,
    zone: Option<TimeZone>,
    /// The last period found, since looking takes long.
    known: Arc<Mutex<(i64, i64)>>,
}

impl Wall {
    fn new(period: Period, zone: &str) -> Self {
        let zone = jiff::tz::db().get(zone).ok();
        Self { period, zone, known: Arc::default() }
    }

    /// A number that grows by one with each period on the wall.
    fn number(&self, second: i64) -> i64 {
        let offset = match (&self.zone, Instant::from_second(second)) {
            (Some(zone), Ok(instant)) => zone.to_offset(instant).seconds(),
            _ => 0,
        };
        let days = (second + i64::from(offset)).div_euclid(DAY);
        match self.period {
            Period::Day => days,
            // The first of January 1970 was a Thursday, three days after a Monday.
            Period::Week => (days + 3).div_euclid(7),
            Period::Month => months_since_1970(days),
            Period::Year => months_since_1970(days).div_euclid(12),
        }
    }

    /// The latest period that has begun, although the clock may have been set back before it since.
    fn begun(&self, second: i64) -> i64 {
        let minutes = (0..FURTHEST_BACK / 60).map(|ago| second.div_euclid(60) * 60 - ago * 60);
        let latest = minutes.map(|earlier| self.number(earlier)).max();
        latest.map_or_else(|| self.number(second), |latest| latest.max(self.number(second)))
    }

    /// The first second of period `number` or, where that was skipped, of a later one; it is between `low` and
    /// `high`. Halves the span while clocks that are set back cannot mislead, then looks at every minute, then at
    /// every second of one.
    fn first_second(&self, number: i64, mut low: i64, mut high: i64) -> i64 {
        while high - low > 3 * FURTHEST_BACK {
            let middle = low + (high - low) / 2;
            if self.number(middle) >= number {
                high = middle;
            } else {
                low = middle - FURTHEST_BACK;
            }
        }
        let mut second = low.div_euclid(60) * 60;
        while self.number(second) < number && second < high {
            second += 60;
        }
        second -= 60;
        while self.number(second) < number && second < high {
            second += 1;
        }
        second
    }

    /// The first second of the period that `now` lies in, and that of the next.
    fn bounds(&self, now: i128) -> (i128, i128) {
        let second = seconds(now);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if second < known.0 || second >= known.1 {
            let (begun, reach) = (self.begun(second), self.reach());
            *known = (
                self.first_second(begun, second - reach, second),
                self.first_second(begun + 1, second, second + reach),
            );
        }
        (i128::from(known.0) * SECOND, i128::from(known.1) * SECOND)
    }

    /// Longer than any period, in seconds.
    fn reach(&self) -> i64 {
        match self.period {
            Period::Day => 3 * DAY,
            Period::Week => 9 * DAY,
            Period::Month => 33 * DAY,
            Period::Year => 368 * DAY,
        }
    }

    fn begin(&self, now: i128) -> i128 {
        self.bounds(now).0.max(0)
    }

    fn end(&self, now: i128) -> i128 {
        self.bounds(now).1
    }
}

fn seconds(micros: i128) -> i64 {
    i64::try_from(micros.div_euclid(SECOND)).unwrap_or(i64::MAX)
}

/// Counts the years, then the months, from 1970 on (or back to 1969).
fn months_since_1970(days: i64) -> i64 {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut left) = (1970, days);
    while left < 0 {
        year -= 1;
        left += if leap(year) { 366 } else { 365 };
    }
    while left >= if leap(year) { 366 } else { 365 } {
        left -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year - 1970) * 12 + month
}
