//! Single values that only raw records have.

use ratekeeper_core::Timestamp;

use crate::decode::{FromText, Wrong};
use crate::limit::scan::parse_number;
use crate::text::quoted;

/// The name of a rule or an arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleName(pub(crate) String);

impl FromText for RuleName {
    const EXPECTED: &'static str = "a name such as login";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(fits) {
            return Err(Wrong::new("this is no name", "write 1 to 64 of A-Z a-z 0-9 . _ -"));
        }
        Ok(Self(text.to_owned()))
    }

    /// No name: nobody else has it either.
    fn placeholder_text() -> Option<Self> {
        Some(Self(String::new()))
    }

    fn text_schema() -> serde_json::Value {
        serde_json::json!({ "type": ["string", "number"], "pattern": "^[A-Za-z0-9._-]{1,64}$|\\$\\{" })
    }
}

/// An instant in RFC 3339, or a date, which means its first instant in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expiry(pub(crate) Timestamp);

impl FromText for Expiry {
    const EXPECTED: &'static str = "an instant such as 2027-01-01T00:00:00Z";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let text = text.trim();
        let is_date = text.len() == 10;
        let instant = if is_date {
            format!("{text}T00:00:00Z")
        } else {
            text.to_owned()
        };
        let instant: jiff::Timestamp = instant.parse().map_err(|_| {
            let help = "write it as RFC 3339, such as 2027-01-01T00:00:00Z or 2027-01-01T02:00:00+02:00";
            Wrong::new("this is no instant", help)
        })?;
        // What lies before the epoch is over, as the epoch itself is.
        let micros = u64::try_from(instant.as_microsecond()).unwrap_or(0);
        Ok(Self(Timestamp::from_micros(micros)))
    }
}

/// A number of bytes: `1048576`, `512MiB`, `1GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

const SIZES: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

impl FromText for Bytes {
    const EXPECTED: &'static str = "a number of bytes such as 512MiB";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let text = text.trim();
        let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let number = parse_number(text[..end].trim_end())?;
        let unit = text[end..].to_ascii_lowercase();
        let help = "write a number from 1 on, with B, KB, MB, GB, KiB, MiB or GiB";
        let Some((_, size)) = SIZES.iter().find(|(name, _)| *name == unit) else {
            return Err(Wrong::new(format!("unknown unit {}", quoted(&text[end..])), help));
        };
        match number.checked_mul(*size) {
            Some(bytes) if bytes > 0 && bytes <= 1 << 48 => Ok(Self(bytes)),
            _ => Err(Wrong::new("out of range", help)),
        }
    }

    fn text_schema() -> serde_json::Value {
        serde_json::json!({ "type": ["integer", "string"], "minimum": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_sizes() {
        let expiry = |text| Expiry::from_text(text).map(|expiry| expiry.0.as_micros());
        assert_eq!(expiry("1970-01-02"), Ok(86_400_000_000));
        assert_eq!(expiry("1970-01-01T02:00:00+01:00"), Ok(3_600_000_000));
        assert_eq!(expiry("1900-01-01T00:00:00Z"), Ok(0));
        for wrong in [
            "",
            "tomorrow",
            "2027-13-01",
            "2027-01-01T00:00:00",
            "99999-01-01T00:00:00Z",
        ] {
            assert!(Expiry::from_text(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Bytes::from_text("512MiB"), Ok(Bytes(512 << 20)));
        assert_eq!(Bytes::from_text("1_000"), Ok(Bytes(1000)));
        for wrong in ["", "0", "MiB", "1 parsec", "99999999TiB", "-1"] {
            assert!(Bytes::from_text(wrong).is_err(), "{wrong}");
        }
    }
}
