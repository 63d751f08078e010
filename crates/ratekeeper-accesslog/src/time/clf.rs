//! The time of combined and common logs: `17/May/2015:10:05:03 +0000`.

use ratekeeper_core::Timestamp;

use super::TimeFault;
use super::civil::{Civil, digits, fraction, offset};

/// Reads exactly the text between the brackets; a fraction of a second may follow the seconds.
pub(crate) fn parse(text: &[u8]) -> Result<Timestamp, TimeFault> {
    let (civil, rest) = clock(text).ok_or(TimeFault::ClfForm)?;
    let zone = rest.strip_prefix(b" ").ok_or(TimeFault::ClfForm)?;
    Civil { offset: offset(zone)?, ..civil }.instant()
}

fn clock(text: &[u8]) -> Option<(Civil, &[u8])> {
    let punctuation = [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':')];
    if punctuation.iter().any(|&(at, byte)| text.get(at) != Some(&byte)) {
        return None;
    }
    let (micros, rest) = fraction(text.get(20..)?, false)?;
    let civil = Civil {
        year: digits(text, 7, 11)?,
        month: month(text.get(3..6)?),
        day: digits(text, 0, 2)?,
        hour: digits(text, 12, 14)?,
        minute: digits(text, 15, 17)?,
        second: digits(text, 18, 20)?,
        micros,
        offset: 0,
    };
    Some((civil, rest))
}

/// The number of a month, or 0, which is none.
const fn month(name: &[u8]) -> i64 {
    match name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => 0,
    }
}
