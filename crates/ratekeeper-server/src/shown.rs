//! Texts, numbers and times as people read them.

use jiff::tz::TimeZone;
use ratekeeper_core::Timestamp;

/// The text with everything escaped that would steer a terminal: a file may have any name.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if steers_terminal(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Whether a character commands a terminal, changes the direction of text, or breaks its line.
pub(crate) fn steers_terminal(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 request`, `12,345 requests`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// A number with a comma between thousands.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share in percent, with one decimal.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let tenths = (u128::from(part) * 1000 + u128::from(whole) / 2) / u128::from(whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// `2026-03-03 14:05:00`, in UTC.
pub(crate) fn date_time(time: Timestamp) -> String {
    let micros = i64::try_from(time.as_micros()).unwrap_or(0);
    let instant = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    instant.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-03-03 14:05:00 to 14:09:10`, or one instant.
pub(crate) fn span(first: Timestamp, last: Timestamp) -> String {
    let (first, last) = (date_time(first), date_time(last));
    if first == last {
        return first;
    }
    match (first.split_once(' '), last.split_once(' ')) {
        (Some((day, _)), Some((same, time))) if day == same => format!("{first} to {time}"),
        _ => format!("{first} to {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shares_rounded() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "–");
        assert_eq!(counted(1, "line"), "1 line");
    }

    #[test]
    fn spans_name_a_day_once() {
        let at = |seconds: u64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(span(at(0), at(0)), "1970-01-01 00:00:00");
        assert_eq!(span(at(0), at(90)), "1970-01-01 00:00:00 to 00:01:30");
        assert_eq!(span(at(0), at(86_400)), "1970-01-01 00:00:00 to 1970-01-02 00:00:00");
    }

    #[test]
    fn names_cannot_steer_a_terminal() {
        assert_eq!(printable("naïve.log"), "naïve.log");
        assert_eq!(printable("a\u{1b}[2J\u{9b}\u{202e}\n"), r"a\u{1b}[2J\u{9b}\u{202e}\u{a}");
    }
}
