//! How a server ends: first it says so, then it stops accepting, then it waits for what it has begun.

use std::time::Duration;

use tokio::sync::watch;

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Serving,
    /// Connections are still accepted, and told to close after their next answer.
    LameDuck,
    /// Nothing is accepted any more; connections end with what they are doing.
    Draining,
    /// The time is up.
    Cut,
}

/// Begins the end of a server; its clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Drain {
    phase: watch::Sender<Phase>,
    /// How long connections are still accepted: clients and balancers learn of the end meanwhile.
    pub(crate) lame_duck: Duration,
    /// How long what has begun may take after that.
    pub(crate) timeout: Duration,
}

/// How a server has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Connections that were not done in time.
    pub(crate) cut: usize,
}

impl Drain {
    pub(crate) fn new(lame_duck: Duration, timeout: Duration) -> Self {
        Self { phase: watch::Sender::new(Phase::Serving), lame_duck, timeout }
    }

    /// Begins the end, unless it has begun.
    pub(crate) fn begin(&self) {
        self.advance(Phase::LameDuck);
    }

    /// Waits until the end begins.
    pub(crate) async fn begun(&self) {
        self.reached(Phase::LameDuck).await;
    }

    pub(super) fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let further = *phase < to;
            *phase = (*phase).max(to);
            further
        });
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(super) async fn reached(&self, phase: Phase) {
        // The sender lives as long as this does.
        _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }
}
