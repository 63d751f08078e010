//! The time since a run began.

use std::time::{Duration, Instant};

/// Tells the time since a run began, and waits for it to pass.
pub(crate) trait Clock: Send + Sync {
    /// How long the run has lasted.
    fn elapsed(&self) -> Duration;
    /// Blocks this thread.
    fn sleep(&self, span: Duration);
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monotonic(Instant);

impl Monotonic {
    // The edge: a load test is about time that passes.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    #[allow(clippy::disallowed_methods)]
    fn sleep(&self, span: Duration) {
        std::thread::sleep(span);
    }
}
