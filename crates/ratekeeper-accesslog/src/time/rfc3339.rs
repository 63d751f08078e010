//! RFC 3339 and its near relatives: `2015-05-17T10:05:03.25+02:00`.

use ratekeeper_core::Timestamp;

use super::TimeFault;
use super::civil::{Civil, digits, fraction, offset};

/// Reads date, `T` or space, time, an optional fraction (`.` or `,`) and an optional zone: `Z`, `UTC`, `+hh:mm`,
/// `+hhmm` or `+hh`. Without a zone it is UTC.
pub(super) fn parse(text: &[u8]) -> Result<Timestamp, TimeFault> {
    let (civil, zone) = clock(text).ok_or(TimeFault::Form)?;
    let offset = match zone.trim_ascii_start() {
        b"" | b"Z" | b"z" | b"UTC" => 0,
        &[sign, h1, h2, b':', m1, m2] => offset(&[sign, h1, h2, m1, m2])?,
        &[sign, h1, h2] => offset(&[sign, h1, h2, b'0', b'0'])?,
        zone => offset(zone)?,
    };
    Civil { offset, ..civil }.instant()
}

fn clock(text: &[u8]) -> Option<(Civil, &[u8])> {
    let punctuation = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if punctuation.iter().any(|&(at, byte)| text.get(at) != Some(&byte))
        || !matches!(text.get(10), Some(b'T' | b't' | b' '))
    {
        return None;
    }
    let (micros, rest) = fraction(text.get(19..)?, true)?;
    let civil = Civil {
        year: digits(text, 0, 4)?,
        month: digits(text, 5, 7)?,
        day: digits(text, 8, 10)?,
        hour: digits(text, 11, 13)?,
        minute: digits(text, 14, 16)?,
        second: digits(text, 17, 19)?,
        micros,
        offset: 0,
    };
    Some((civil, rest))
}
