//! The dialects that tell of one limit.

use http::{HeaderName, HeaderValue};
use ratekeeper_core::Timestamp;

use super::told::Told;
use super::{Dialect, Fields};

pub(super) fn fields(told: &Told, dialect: Dialect, now: Timestamp) -> Fields {
    let reset = told.next.unwrap_or(0);
    let number = |name, value: u64| (HeaderName::from_static(name), HeaderValue::from(value));
    let policy = || {
        let text = if told.holds {
            told.quota.to_string()
        } else {
            format!("{};w={}", told.quota, told.window)
        };
        HeaderValue::try_from(text)
            .ok()
            .map(|value| (HeaderName::from_static("ratelimit-policy"), value))
    };
    match dialect {
        Dialect::Draft07 => {
            let text = format!("limit={}, remaining={}, reset={reset}", told.quota, told.remaining);
            let limit = HeaderValue::try_from(text)
                .ok()
                .map(|value| (HeaderName::from_static("ratelimit"), value));
            policy().into_iter().chain(limit).collect()
        }
        Dialect::Draft06 => {
            let numbers = [
                number("ratelimit-limit", told.quota),
                number("ratelimit-remaining", told.remaining),
                number("ratelimit-reset", reset),
            ];
            numbers.into_iter().chain(policy()).collect()
        }
        Dialect::XRateLimitDelta | Dialect::XRateLimitEpoch => {
            let reset = match dialect {
                Dialect::XRateLimitEpoch => now.as_micros().div_ceil(1_000_000).saturating_add(reset),
                _ => reset,
            };
            let numbers = [
                number("x-ratelimit-limit", told.quota),
                number("x-ratelimit-remaining", told.remaining),
                number("x-ratelimit-reset", reset),
            ];
            numbers.into_iter().collect()
        }
        Dialect::None | Dialect::Draft11 => Fields::new(),
    }
}
