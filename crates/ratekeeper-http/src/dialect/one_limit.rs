//! The dialects that tell of one limit.

use std::fmt::{self, Write as _};

use ratekeeper_core::Timestamp;

use super::line::Line;
use super::told::Told;
use super::{Dialect, Take};

pub(super) fn fields(told: &Told<'_>, dialect: Dialect, now: Timestamp, take: Take<'_>) {
    let reset = told.next.unwrap_or(0);
    let mut write = |name, text: fmt::Arguments<'_>| {
        let mut line = Line::new();
        // Writing to memory does not fail.
        _ = line.write_fmt(text);
        take(name, line.bytes());
    };
    match dialect {
        Dialect::Draft07 => {
            write_policy(told, &mut write);
            let (quota, remaining) = (told.quota, told.remaining);
            write("ratelimit", format_args!("limit={quota}, remaining={remaining}, reset={reset}"));
        }
        Dialect::Draft06 => {
            write("ratelimit-limit", format_args!("{}", told.quota));
            write("ratelimit-remaining", format_args!("{}", told.remaining));
            write("ratelimit-reset", format_args!("{reset}"));
            write_policy(told, &mut write);
        }
        Dialect::XRateLimitDelta | Dialect::XRateLimitEpoch => {
            let reset = match dialect {
                Dialect::XRateLimitEpoch => now.as_micros().div_ceil(1_000_000).saturating_add(reset),
                _ => reset,
            };
            write("x-ratelimit-limit", format_args!("{}", told.quota));
            write("x-ratelimit-remaining", format_args!("{}", told.remaining));
            write("x-ratelimit-reset", format_args!("{reset}"));
        }
        Dialect::None | Dialect::Draft11 => {}
    }
}

fn write_policy(told: &Told<'_>, write: &mut dyn FnMut(&'static str, fmt::Arguments<'_>)) {
    if told.holds {
        write("ratelimit-policy", format_args!("{}", told.quota));
    } else {
        write("ratelimit-policy", format_args!("{};w={}", told.quota, told.window));
    }
}
