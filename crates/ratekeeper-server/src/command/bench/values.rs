//! Values of options, as they are written.

use std::ops::RangeInclusive;
use std::time::Duration;

use ratekeeper_core::Limit;
use ratekeeper_load::{Distribution, Rate};

/// A rate, or as much as there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    Rate(Rate),
    Max,
}

pub(super) fn offered(text: &str) -> Result<Offered, &'static str> {
    if text == "max" {
        return Ok(Offered::Max);
    }
    Rate::parse(text)
        .map(Offered::Rate)
        .ok_or("write requests a second, from 0.001 to 10000000, or max")
}

pub(super) fn distribution(text: &str) -> Result<Distribution, &'static str> {
    const WRONG: &str = "write one, uniform, or zipf:0.99, with an exponent up to 10";
    match (text, text.strip_prefix("zipf:")) {
        ("one", _) => Ok(Distribution::One),
        ("uniform", _) => Ok(Distribution::Uniform),
        (_, Some(exponent)) => {
            let exponent = exponent.parse().ok().filter(|exponent| (0.0..=10.0).contains(exponent));
            exponent.map(Distribution::Zipf).ok_or(WRONG)
        }
        _ => Err(WRONG),
    }
}

pub(super) fn cost(text: &str) -> Result<RangeInclusive<u64>, &'static str> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
    match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => Ok(from..=to),
        _ => Err("write a number, or a range such as 1..1000, from 1 on"),
    }
}

pub(super) fn span(text: &str) -> Result<Duration, &'static str> {
    let span = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    span.filter(|span| (Duration::from_millis(1)..=Duration::from_secs(30 * 86_400)).contains(span))
        .ok_or("write a span such as 500ms, 10s or 2h, up to 30 days")
}

pub(super) fn limit(text: &str) -> Result<Limit, String> {
    ratekeeper_policy::parse_limit(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_nonsense_is_not() {
        assert_eq!(offered("max"), Ok(Offered::Max));
        assert_eq!(offered("1.5"), Ok(Offered::Rate(Rate::from_thousandths(1500))));
        assert_eq!(distribution("zipf:0.99"), Ok(Distribution::Zipf(0.99)));
        assert_eq!((cost("5"), cost("1..1000")), (Ok(5..=5), Ok(1..=1000)));
        assert_eq!(span("1m 30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "0", "-1", "maxi"] {
            assert!(offered(wrong).is_err(), "{wrong}");
        }
        for wrong in ["zipf", "zipf:", "zipf:NaN", "zipf:-1", "normal"] {
            assert!(distribution(wrong).is_err(), "{wrong}");
        }
        for wrong in ["0", "0..5", "5..1", "1..", "x"] {
            assert!(cost(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "10", "0s", "-5s", "99999h"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
