//! The grammar of durations, in one place: `90s`, `1h30m`, `20ms`, `2 minutes`.

use ratekeeper_core::{Micros, Period};

use crate::limit::LimitSyntaxError;
use crate::limit::scan::Scan;
use crate::text::quoted;

/// What a unit of time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Always this many microseconds.
    Fixed(u64, Option<Period>),
    /// Months and years have no fixed length: they exist in a calendar only.
    Civil(Period),
}

const UNITS: &[(&[&str], Unit)] = &[
    (&["us", "µs", "μs", "microsecond", "microseconds"], Unit::Fixed(1, None)),
    (&["ms", "msec", "millis", "millisecond", "milliseconds"], Unit::Fixed(1000, None)),
    (&["s", "sec", "secs", "second", "seconds"], Unit::Fixed(1_000_000, None)),
    (&["m", "min", "mins", "minute", "minutes"], Unit::Fixed(60_000_000, None)),
    (&["h", "hr", "hrs", "hour", "hours"], Unit::Fixed(3_600_000_000, None)),
    (&["d", "day", "days"], Unit::Fixed(86_400_000_000, Some(Period::Day))),
    (&["w", "week", "weeks"], Unit::Fixed(604_800_000_000, Some(Period::Week))),
    (&["month", "months"], Unit::Civil(Period::Month)),
    (&["y", "year", "years"], Unit::Civil(Period::Year)),
];

const UNIT_HELP: &str = "use ms, s, minute, hour, day, week, or month and year with (calendar)";

/// A window as written: `minute`, `90s`, `month`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Its length; none for months and years.
    pub(crate) span: Option<Micros>,
    /// The period of the calendar, if it is exactly one day, week, month or year.
    pub(crate) period: Option<Period>,
    /// As it was written.
    pub(crate) written: String,
}

/// Reads a duration, such as `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Result<Micros, LimitSyntaxError> {
    let mut scan = Scan::new(text);
    let help = "write a number and a unit, such as 20ms, 90s or 1h30m";
    if !scan.at_number() {
        return Err(LimitSyntaxError::new("this is no duration", help));
    }
    let window = window(&mut scan)?;
    if !scan.is_done() {
        return Err(LimitSyntaxError::new(format!("unexpected {}", quoted(scan.rest())), help));
    }
    window
        .span
        .ok_or_else(|| LimitSyntaxError::new("months and years have no fixed length", "write it in days"))
}

/// Reads the window at the front of `scan`.
pub(crate) fn window(scan: &mut Scan<'_>) -> Result<Window, LimitSyntaxError> {
    scan.spaces();
    let start = scan.rest();
    let mut total = 0_u64;
    let mut parts = 0;
    let mut period;
    let mut civil = None;
    loop {
        let number = if scan.at_number() {
            Some(scan.number()?)
        } else {
            None
        };
        let name = scan.letters();
        let Some(unit) = unit(name) else {
            return Err(unknown_unit(name, number, scan));
        };
        let count = number.unwrap_or(1);
        parts += 1;
        let micros = match unit {
            Unit::Fixed(micros, found) => {
                period = found.filter(|_| count == 1);
                micros
            }
            Unit::Civil(found) => {
                period = Some(found).filter(|_| count == 1);
                civil = Some((found, count));
                0
            }
        };
        let too_long = || LimitSyntaxError::new("this duration is too long", "use at most about 35 years");
        total = micros.checked_mul(count).and_then(|sum| sum.checked_add(total)).ok_or_else(too_long)?;
        if number.is_none() || !scan.at_number() {
            break;
        }
    }
    if let Some((unit, count)) = civil
        && (parts > 1 || count != 1)
    {
        let name = unit.name();
        let message = format!("{name}s have no fixed length and stand alone");
        return Err(LimitSyntaxError::new(message, format!("use one {name} with (calendar), or days")));
    }
    let written = start[..start.len() - scan.rest().len()].trim().to_owned();
    let period = period.filter(|_| parts == 1);
    Ok(Window { span: civil.is_none().then_some(Micros::new(total)), period, written })
}

fn unit(name: &str) -> Option<Unit> {
    let found = UNITS.iter().find(|(names, _)| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    found.map(|(_, unit)| *unit)
}

fn unknown_unit(name: &str, number: Option<u64>, scan: &Scan<'_>) -> LimitSyntaxError {
    match (name, number) {
        ("", Some(number)) => {
            LimitSyntaxError::new(format!("{number} has no unit"), format!("write {number}s for seconds"))
        }
        ("", None) if scan.is_done() => LimitSyntaxError::new("the unit of time is missing", UNIT_HELP),
        ("", None) => LimitSyntaxError::new(format!("{} is no unit of time", quoted(scan.rest())), UNIT_HELP),
        _ => LimitSyntaxError::new(format!("unknown unit {}", quoted(name)), UNIT_HELP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_people_write_them() {
        let cases = [
            ("90s", 90_000_000),
            ("1h30m", 5_400_000_000),
            ("1 hour 30 minutes", 5_400_000_000),
            ("20ms", 20_000),
            ("1500us", 1500),
            ("7µs", 7),
            ("2 minutes", 120_000_000),
            (" 1_000 MS ", 1_000_000),
            ("1w", 604_800_000_000),
            ("0s", 0),
        ];
        for (text, micros) in cases {
            assert_eq!(parse_duration(text), Ok(Micros::new(micros)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        let cases = [
            ("", "this is no duration"),
            ("s", "this is no duration"),
            ("90", "90 has no unit"),
            ("-1s", "numbers cannot be negative"),
            ("1.5h", "1.5 is no whole number"),
            ("1 fortnight", "unknown unit \"fortnight\""),
            ("1 month", "months and years have no fixed length"),
            ("2 months", "months have no fixed length and stand alone"),
            ("1s!", "unexpected \"!\""),
            ("99999999999999999999s", "99999999999999999999 is too large"),
            ("99999999999999999w", "this duration is too long"),
        ];
        for (text, message) in cases {
            assert_eq!(parse_duration(text).unwrap_err().message(), message, "{text}");
        }
    }
}
