//! A slot of a concurrency limit, while its request lasts.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Waker};

use ratekeeper_engine::{Engine, Outcome};

/// What a request holds; released when this is dropped.
pub struct Held {
    engine: Arc<Engine>,
    /// Few requests hold anything: those that do not move only this.
    outcome: Option<Box<Outcome>>,
}

impl Held {
    pub(super) fn new(engine: &Arc<Engine>, outcome: Outcome) -> Self {
        Self { engine: Arc::clone(engine), outcome: Some(Box::new(outcome)) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(outcome) = self.outcome.take() else {
            return;
        };
        let engine = Arc::clone(&self.engine);
        let mut release = Box::pin(async move {
            if let Err(error) = engine.release(&outcome).await {
                tracing::warn!(%error, "a slot stays held until its ttl");
            }
        });
        // Memory answers at once; other stores go on in the background, if there still is one.
        let waits = release.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        if waits && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(release);
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}
