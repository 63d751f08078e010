//! How long windows are.

use ratekeeper_core::MAX_SPAN;

use crate::text::{listed, nearest, quoted};

/// A length of windows: the unit of envoyproxy/ratelimit, what a policy calls one of it, and how a policy counts several.
struct Unit {
    name: &'static str,
    one: &'static str,
    symbol: &'static str,
    /// How many of the symbol's it is. Its months and years are no calendar's.
    size: u64,
    seconds: u64,
}

const fn unit(name: &'static str, one: &'static str, symbol: &'static str, size: u64, seconds: u64) -> Unit {
    Unit { name, one, symbol, size, seconds }
}

const DAY: u64 = 86_400;

const UNITS: [Unit; 7] = [
    unit("second", "second", "s", 1, 1),
    unit("minute", "minute", "m", 1, 60),
    unit("hour", "hour", "h", 1, 3600),
    unit("day", "day", "d", 1, DAY),
    unit("week", "week", "d", 7, 7 * DAY),
    unit("month", "30d", "d", 30, 30 * DAY),
    unit("year", "365d", "d", 365, 365 * DAY),
];

/// What is wrong, and what would be right.
type Wrong = (String, String);

/// So many of a unit, as a policy writes it.
pub(super) fn window(name: &str, times: u32) -> Result<String, Wrong> {
    let lower = name.to_ascii_lowercase();
    let names = || UNITS.iter().map(|unit| unit.name);
    let Some(unit) = UNITS.iter().find(|unit| unit.name == lower) else {
        let help = match nearest(name, names()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("write {}", listed(names())),
        };
        return Err((format!("{} is no unit", quoted(name)), help));
    };
    let most = MAX_SPAN.get() / 1_000_000 / unit.seconds;
    match u64::from(times) {
        0 => Err(("a window has no length".to_owned(), "write a multiplier from 1 on, or none".to_owned())),
        1 => Ok(unit.one.to_owned()),
        times if times > most => {
            let message = format!("{times} times one {} is too long a window", unit.name);
            Err((message, format!("write {most} at most")))
        }
        times => Ok(format!("{}{}", times * unit.size, unit.symbol)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_limit;

    #[test]
    fn windows_are_as_long_as_their_units() {
        for unit in &UNITS {
            let most = MAX_SPAN.get() / 1_000_000 / unit.seconds;
            let most = u32::try_from(most).unwrap_or(u32::MAX);
            for times in [1, 2, most] {
                let text = format!("1 per {} (fixed_window)", window(unit.name, times).unwrap());
                let limit = parse_limit(&text).unwrap();
                assert_eq!(limit.window().get(), u64::from(times) * unit.seconds * 1_000_000, "{text}");
            }
            assert!(window(unit.name, 0).is_err());
            assert!(most == u32::MAX || window(unit.name, most + 1).is_err());
        }
    }
}
