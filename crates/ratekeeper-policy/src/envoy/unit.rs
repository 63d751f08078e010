//! How long windows are.

use crate::text::{listed, nearest, quoted};

/// The units of envoyproxy/ratelimit, and how a policy writes their windows. Its months and years are no calendar's.
const UNITS: &[(&str, &str)] = &[
    ("second", "second"),
    ("minute", "minute"),
    ("hour", "hour"),
    ("day", "day"),
    ("week", "week"),
    ("month", "30d"),
    ("year", "365d"),
];

/// A unit, as a policy writes it; or what would be right.
pub(super) fn window(name: &str) -> Result<&'static str, (String, String)> {
    let lower = name.to_ascii_lowercase();
    let names = || UNITS.iter().map(|(name, _)| *name);
    UNITS.iter().find(|(name, _)| *name == lower).map(|(_, window)| *window).ok_or_else(|| {
        let help = match nearest(name, names()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("write {}", listed(names())),
        };
        (format!("{} is no unit", quoted(name)), help)
    })
}
