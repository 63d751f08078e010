//! The pacer's time: Tokio's, so that what is waited for is measured by the clock that wakes.

use ratekeeper_core::{Micros, Timestamp};
use ratekeeper_store::{Clock as _, SystemClock};
use std::time::Duration;
use tokio::time::Instant;

/// Far beyond any wait, and still an instant on every platform.
const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);

/// Tokio's clock, set once by the system's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    origin: Instant,
    wall: Timestamp,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now(), wall: SystemClock::new().now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.wall + Micros::new(elapsed)
    }

    /// When Tokio's clock shows `at`.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        self.origin + Duration::from(at.since(self.wall)).min(FAR)
    }
}
