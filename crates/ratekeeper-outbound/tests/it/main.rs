//! The pacer from outside, on Tokio's paused clock.

#![allow(clippy::panic, clippy::unwrap_used)]

mod envelope;
mod feedback;
mod keys;
mod line;
mod tower;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use ratekeeper_core::{Limit, Micros};
use ratekeeper_outbound::{PaceError, Pacer, PacerConfig};
use tokio::time::Instant;

/// A pacer that lets one call go each second.
fn one_per_second(config: PacerConfig) -> Pacer {
    Pacer::with([Limit::token_bucket(1, Micros::SECOND).unwrap()], config)
}

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap())
    };
    fields.iter().map(field).collect()
}

/// How long it would have taken.
fn too_long(error: &PaceError) -> Duration {
    match error {
        PaceError::TooLong { wait, .. } => *wait,
        other => panic!("not too long: {other}"),
    }
}

/// Whole seconds, as the timers of Tokio are exact to a millisecond only.
fn seconds_since(start: Instant) -> u64 {
    start.elapsed().as_secs()
}
