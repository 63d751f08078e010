//! The dialects that tell of one limit.

use ratekeeper_core::Timestamp;

use super::told::Told;
use super::{Dialect, TextFields};

pub(super) fn fields(told: &Told<'_>, dialect: Dialect, now: Timestamp) -> TextFields {
    let reset = told.next.unwrap_or(0);
    let policy = || {
        let text = if told.holds {
            told.quota.to_string()
        } else {
            format!("{};w={}", told.quota, told.window)
        };
        ("ratelimit-policy", text)
    };
    match dialect {
        Dialect::Draft07 => {
            let text = format!("limit={}, remaining={}, reset={reset}", told.quota, told.remaining);
            [policy(), ("ratelimit", text)].into_iter().collect()
        }
        Dialect::Draft06 => {
            let numbers = [
                ("ratelimit-limit", told.quota.to_string()),
                ("ratelimit-remaining", told.remaining.to_string()),
                ("ratelimit-reset", reset.to_string()),
            ];
            numbers.into_iter().chain([policy()]).collect()
        }
        Dialect::XRateLimitDelta | Dialect::XRateLimitEpoch => {
            let reset = match dialect {
                Dialect::XRateLimitEpoch => now.as_micros().div_ceil(1_000_000).saturating_add(reset),
                _ => reset,
            };
            let numbers = [
                ("x-ratelimit-limit", told.quota.to_string()),
                ("x-ratelimit-remaining", told.remaining.to_string()),
                ("x-ratelimit-reset", reset.to_string()),
            ];
            numbers.into_iter().collect()
        }
        Dialect::None | Dialect::Draft11 => TextFields::new(),
    }
}
