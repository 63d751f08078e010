//! Dates of the Gregorian calendar and times of day, as written by a clock.

use ratekeeper_core::Timestamp;

use super::{TimeFault, instant};

/// A date and time as written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    /// 60 is a leap second: one second after :59.
    pub(super) second: i64,
    /// Microseconds of the second.
    pub(super) micros: i64,
    /// Minutes east of UTC.
    pub(super) offset: i64,
}

impl Civil {
    /// The instant, if the date and the time of day exist and it is not out of range.
    pub(super) fn instant(self) -> Result<Timestamp, TimeFault> {
        if !(1..=12).contains(&self.month) {
            return Err(TimeFault::Month);
        }
        if self.day < 1 || self.day > days_in_month(self.year, self.month) {
            return Err(TimeFault::Day);
        }
        if self.hour > 23 {
            return Err(TimeFault::Hour);
        }
        if self.minute > 59 {
            return Err(TimeFault::Minute);
        }
        if self.second > 60 {
            return Err(TimeFault::Second);
        }
        let minutes = (days_since_epoch(self.year, self.month, self.day) * 24 + self.hour) * 60 + self.minute;
        let seconds = (minutes - self.offset) * 60 + self.second;
        instant(i128::from(seconds * 1_000_000 + self.micros))
    }
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a valid date of the years 0 to 9999.
const fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day last, so that month lengths follow one linear rule.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// The number that the digits at `from..to` write.
pub(super) fn digits(text: &[u8], from: usize, to: usize) -> Option<i64> {
    text.get(from..to)?
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// Takes an optional fraction (`.` or, if `comma`, `,` and digits) off the front: its microseconds, rounded
/// down, and the rest.
pub(super) fn fraction(text: &[u8], comma: bool) -> Option<(i64, &[u8])> {
    let digits = match text.split_first() {
        Some((b'.', digits)) => digits,
        Some((b',', digits)) if comma => digits,
        _ => return Some((0, text)),
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    let micros =
        (0..6).fold(0, |value, at| value * 10 + digits.get(at).map_or(0, |byte| i64::from(byte - b'0')));
    if digits.is_empty() {
        None
    } else {
        Some((micros, rest))
    }
}

/// Minutes east of UTC of `+hhmm` or `-hhmm`, exactly.
pub(super) fn offset(text: &[u8]) -> Result<i64, TimeFault> {
    let sign = match text.first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(TimeFault::Offset),
    };
    match (text.len(), digits(text, 1, 3), digits(text, 3, 5)) {
        (5, Some(hours @ 0..=23), Some(minutes @ 0..=59)) => Ok(sign * (hours * 60 + minutes)),
        _ => Err(TimeFault::Offset),
    }
}
