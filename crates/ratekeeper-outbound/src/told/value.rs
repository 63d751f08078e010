//! Numbers, spans and instants as peers write them. Nothing here overflows: what is too large is the largest.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use ratekeeper_core::{Micros, Timestamp};

/// From here on a number is no span, which would be of decades, but an instant: seconds since the epoch, in 2001 or later.
const EPOCH_SECONDS: u64 = 1_000_000_000;
/// From here on it is in milliseconds since the epoch; as seconds, it would be in the year 5138.
const EPOCH_MILLIS: u64 = 100_000_000_000;
/// Longer values say nothing that anybody needs to know.
const MAX_LENGTH: usize = 128;

/// The first field with this name, if it is short text.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (text.len() <= MAX_LENGTH).then_some(text)
}

/// A whole number at the beginning of a list or of an item with parameters: `100`, `100;w=60`, `100, 100;w=60`.
pub(super) fn count(text: &str) -> Option<u64> {
    let first = text.split([',', ';']).next()?.trim();
    whole(first.split_once('.').map_or(first, |(whole, _)| whole))
}

/// A span: `30`, `1.5`, `250ms`, `6m0s`. A number alone is seconds.
pub(super) fn span(text: &str) -> Option<Duration> {
    match decimal(text) {
        Some(micros) => Some(Duration::from_micros(micros)),
        None => units(text),
    }
}

/// How long until a reset that is written as a span or as an instant.
pub(super) fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let Some(micros) = decimal(text) else {
        return units(text).or_else(|| date(text).map(|date| date.since(now).into()));
    };
    let instant = match micros / 1_000_000 {
        ..EPOCH_SECONDS => return Some(Duration::from_micros(micros)),
        EPOCH_SECONDS..EPOCH_MILLIS => micros,
        _ => micros / 1000,
    };
    Some(Timestamp::from_micros(instant).since(now).into())
}

/// A date of HTTP in any of its three forms, or one of RFC 3339.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let micros = match httpdate::parse_http_date(text) {
        Ok(date) => date.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_micros(),
        Err(_) => u128::try_from(text.parse::<jiff::Timestamp>().ok()?.as_microsecond()).ok()?,
    };
    Some(Timestamp::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
}

/// A decimal number times a million; further digits are rounded up.
fn decimal(text: &str) -> Option<u64> {
    let (before, after) = text.split_once('.').unwrap_or((text, "0"));
    let before = whole(before)?;
    if after.is_empty() || !after.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = after.bytes().chain(std::iter::repeat(b'0')).take(6);
    let after_micros = digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let more = after.bytes().skip(6).any(|digit| digit != b'0');
    Some(before.saturating_mul(1_000_000).saturating_add(after_micros + u64::from(more)))
}

fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Only too many digits are left to fail.
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Numbers with units: `1h2m3.5s`, `20ms`.
fn units(text: &str) -> Option<Duration> {
    let (mut rest, mut sum) = (text, 0_u64);
    while !rest.is_empty() {
        let number = rest.find(|letter: char| letter != '.' && !letter.is_ascii_digit())?;
        let length = rest[number..].find(|letter: char| letter.is_ascii_digit());
        let (number, unit) = rest[..number + length.unwrap_or(rest.len() - number)].split_at(number);
        rest = &rest[number.len() + unit.len()..];
        let span = match unit {
            "us" | "µs" => Micros::new(1),
            "ms" => Micros::new(1000),
            "s" => Micros::SECOND,
            "m" => Micros::MINUTE,
            "h" => Micros::HOUR,
            "d" => Micros::DAY,
            _ => return None,
        };
        let micros = u128::from(decimal(number)?) * u128::from(span.get()) / 1_000_000;
        sum = sum.saturating_add(u64::try_from(micros).unwrap_or(u64::MAX));
    }
    (!text.is_empty()).then_some(Duration::from_micros(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_764_028_800_000_000);

    fn millis(span: Option<Duration>) -> Option<u128> {
        span.map(|span| span.as_millis())
    }

    #[test]
    fn spans_of_every_form() {
        let cases = [
            ("0", Some(0)),
            ("30", Some(30_000)),
            ("2.0", Some(2000)),
            ("0.470", Some(470)),
            ("1s", Some(1000)),
            ("6m0s", Some(360_000)),
            ("20ms", Some(20)),
            ("1h2m3.5s", Some(3_723_500)),
            ("1d", Some(86_400_000)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.", None),
            (".5", None),
            ("1e3", None),
            ("s", None),
            ("1 s", None),
            ("1fortnight", None),
            ("٣", None),
        ];
        for (text, expected) in cases {
            assert_eq!(millis(span(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_of_any_length_saturate() {
        let most = Some(Duration::from_micros(u64::MAX));
        assert_eq!(span(&"9".repeat(100)), most);
        assert_eq!(span(&format!("{}h", "9".repeat(100))), most);
        assert_eq!(count(&"9".repeat(100)), Some(u64::MAX));
        assert_eq!(until("10000000000000000000000", NOW), Some(Timestamp::MAX.since(NOW).into()));
        assert_eq!(span("0.0000001"), Some(Duration::from_micros(1)), "never too short");
    }

    #[test]
    fn an_instant_is_told_from_a_span() {
        let cases = [
            ("60", Some(60_000)),
            ("999999999", Some(999_999_999_000)),
            ("1764028860", Some(60_000)),
            ("1764028860.250", Some(60_250)),
            ("1764028860000", Some(60_000)),
            ("1000000000", Some(0)),
            ("2025-11-25T00:01:00Z", Some(60_000)),
            ("2025-11-25T01:01:00+01:00", Some(60_000)),
            ("Tue, 25 Nov 2025 00:01:00 GMT", Some(60_000)),
            ("Tuesday, 25-Nov-25 00:01:00 GMT", Some(60_000)),
            ("Tue Nov 25 00:01:00 2025", Some(60_000)),
            ("1960-01-01T00:00:00Z", None),
            ("soon", None),
        ];
        for (text, expected) in cases {
            assert_eq!(millis(until(text, NOW)), expected, "{text:?}");
        }
    }

    #[test]
    fn counts_may_have_parameters() {
        let cases = [
            ("100;w=60", Some(100)),
            ("5, 10;w=1", Some(5)),
            ("7.0", Some(7)),
            ("-1", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(count(text), expected, "{text:?}");
        }
    }
}
