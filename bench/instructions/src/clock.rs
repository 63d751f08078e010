//! Time that passes by a microsecond an operation.

use std::sync::Arc;

use ratekeeper::{ManualClock, Micros, Timestamp};

/// A moment in 2026; it does not matter which.
pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)))
}

pub(crate) fn tick(clock: &ManualClock) {
    clock.advance(Micros::new(1));
}
