//! The times that logs hold, exact to the microsecond.

mod civil;
mod clf;
mod number;
mod rfc3339;

use ratekeeper_core::Timestamp;

pub(crate) use clf::parse as parse_clf;
pub(crate) use number::Unit;

/// What is wrong with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeFault {
    /// Not of the form that a combined log uses.
    #[error("it must be of the form 17/May/2015:10:05:03 +0000")]
    ClfForm,
    /// None of the forms that JSON logs use.
    #[error(
        "it must be a number since 1970, of the form 2015-05-17T10:05:03.25Z, or of the form 17/May/2015:10:05:03 +0000"
    )]
    Form,
    /// No such month.
    #[error("the month must be Jan to Dec, or 01 to 12")]
    Month,
    /// The month has no such day.
    #[error("the day must exist in its month")]
    Day,
    /// No such hour.
    #[error("the hour must be 00 to 23")]
    Hour,
    /// No such minute.
    #[error("the minute must be 00 to 59")]
    Minute,
    /// No such second.
    #[error("the second must be 00 to 59, or 60 for a leap second")]
    Second,
    /// No such offset from UTC.
    #[error("the offset from UTC must be +hhmm or -hhmm, at most 23 hours 59 minutes")]
    Offset,
    /// Before 1970.
    #[error("it must not be before 1970")]
    BeforeEpoch,
    /// After the last instant of ratekeeper.
    #[error("it must not be after June 2255")]
    TooLate,
}

/// Reads a time of a JSON log: a number in `unit` (or in the unit that its size suggests), RFC 3339, or the
/// form of combined logs, with or without its brackets.
pub(crate) fn parse_any(text: &str, unit: Option<Unit>) -> Result<Timestamp, TimeFault> {
    let text = text.trim_ascii();
    let text = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    match text.as_bytes() {
        [_, _, b'/', ..] => clf::parse(text.as_bytes()),
        [_, _, _, _, b'-', ..] => rfc3339::parse(text.as_bytes()),
        _ => number::parse(text, unit),
    }
}

/// The instant `micros` after the epoch, if it is one of ratekeeper's.
fn instant(micros: i128) -> Result<Timestamp, TimeFault> {
    let micros = u64::try_from(micros).map_err(|_| {
        if micros < 0 {
            TimeFault::BeforeEpoch
        } else {
            TimeFault::TooLate
        }
    })?;
    if micros > Timestamp::MAX.as_micros() {
        return Err(TimeFault::TooLate);
    }
    Ok(Timestamp::from_micros(micros))
}

#[cfg(test)]
mod tests;
