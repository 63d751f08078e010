//! Times that are decimal numbers since 1970, without passing through floating point.

use ratekeeper_core::Timestamp;

use super::{TimeFault, instant};

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// The unit that the name of a field says, such as `time_ms`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let (_, suffix) = name.rsplit_once('_')?;
        match suffix {
            "ms" => Some(Self::Millis),
            "us" => Some(Self::Micros),
            "ns" => Some(Self::Nanos),
            _ => None,
        }
    }

    /// The unit in which a whole number of that size is a time of these centuries.
    const fn of_size(whole: u128) -> Self {
        match whole {
            0..100_000_000_000 => Self::Seconds,
            100_000_000_000..100_000_000_000_000 => Self::Millis,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Micros,
            _ => Self::Nanos,
        }
    }

    const fn nanos(self) -> u128 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1000,
            Self::Nanos => 1,
        }
    }
}

/// More digits before the point than any time has.
const WHOLE_DIGITS: i64 = 25;
/// Digits after the point that can matter: those of a nanosecond, in seconds.
const FRACTION_DIGITS: u32 = 9;

/// Reads a decimal number, rounding down to the microsecond.
pub(super) fn parse(text: &str, unit: Option<Unit>) -> Result<Timestamp, TimeFault> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().map_err(|_| TimeFault::Form)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !decimal(whole) || !decimal(fraction) {
        return Err(TimeFault::Form);
    }
    let mut digits = whole.bytes().chain(fraction.bytes()).peekable();
    // Where the point stands among the digits once the exponent has moved it.
    let mut point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent);
    while digits.next_if_eq(&b'0').is_some() {
        point = point.saturating_sub(1);
    }
    if digits.peek().is_none() {
        return instant(0);
    }
    if negative {
        return Err(TimeFault::BeforeEpoch);
    }
    if point > WHOLE_DIGITS {
        return Err(TimeFault::TooLate);
    }
    let mut next = || digits.next().map_or(0, |digit| u128::from(digit - b'0'));
    let whole = (0..point).fold(0_u128, |value, _| value * 10 + next());
    let zeros = u32::try_from(point.saturating_neg()).unwrap_or(0);
    let fraction = (zeros..FRACTION_DIGITS).fold(0_u128, |value, _| value * 10 + next());
    let nanos = unit.unwrap_or(Unit::of_size(whole)).nanos();
    let micros = (whole * nanos + fraction * nanos / 10_u128.pow(FRACTION_DIGITS)) / 1000;
    instant(i128::try_from(micros).map_err(|_| TimeFault::TooLate)?)
}
