//! A share of a limit.

use std::fmt;

use crate::decode::{FromText, Wrong};
use crate::rollout::Percent;
use crate::text::quoted;

/// The part of its limits that a rule grants locally while its store fails: more than 0, at most 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Above the line.
    pub numerator: u32,
    /// Below the line, never zero.
    pub denominator: u32,
}

impl Default for Share {
    fn default() -> Self {
        Self { numerator: 1, denominator: 1 }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.numerator)?;
        if self.denominator == 1 {
            Ok(())
        } else {
            write!(f, "/{}", self.denominator)
        }
    }
}

impl FromText for Share {
    const EXPECTED: &'static str = "a share such as 1/4";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            let help = "write a share above 0 and up to 1, such as 1/4, 0.25 or 25%";
            Wrong::new(format!("{} is no share", quoted(text)), help)
        };
        let whole = |part: &str| {
            let part = part.trim();
            let fits = part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| part.parse::<u32>().ok()).flatten().ok_or_else(wrong)
        };
        let (numerator, denominator) = if let Some((above, below)) = text.split_once('/') {
            (whole(above)?, whole(below)?)
        } else if text.trim_end().ends_with('%') {
            (u32::from(Percent::from_text(text)?.0), 10_000)
        } else if let Some((units, decimals)) = text.trim().split_once('.') {
            if decimals.len() > 6 {
                return Err(wrong());
            }
            let scale = 10_u32.pow(u32::try_from(decimals.len()).unwrap_or(0));
            let units = whole(units)?.checked_mul(scale).ok_or_else(wrong)?;
            (units.checked_add(whole(decimals)?).ok_or_else(wrong)?, scale)
        } else {
            (whole(text)?, 1)
        };
        if numerator == 0 || numerator > denominator {
            return Err(wrong());
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Ok(Self { numerator: numerator / a, denominator: denominator / a })
    }

    fn text_schema() -> serde_json::Value {
        serde_json::json!({ "type": ["number", "string"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_reduced() {
        for (text, shown) in [
            ("1", "1"),
            ("1/4", "1/4"),
            ("2 / 8", "1/4"),
            ("0.25", "1/4"),
            ("25%", "1/4"),
            ("1.0", "1"),
        ] {
            assert_eq!(Share::from_text(text).unwrap().to_string(), shown, "{text}");
        }
        for wrong in [
            "",
            "0",
            "2",
            "5/4",
            "1/0",
            "-1",
            "1/",
            "1.5",
            "0.0000001",
            "4294967296/4294967296",
            "999999999.9",
        ] {
            assert!(Share::from_text(wrong).is_err(), "{wrong}");
        }
    }
}
