//! A slot of a concurrency limit, while its request lasts.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Waker};

use ratekeeper_engine::{Engine, Outcome};

/// What a request holds; released when this is dropped.
pub struct Held {
    engine: Arc<Engine>,
    outcome: Option<Outcome>,
}

impl Held {
    /// `None` if the request holds nothing.
    pub(super) fn new(engine: &Arc<Engine>, outcome: Outcome) -> Option<Self> {
        outcome.holds().then(|| Self { engine: Arc::clone(engine), outcome: Some(outcome) })
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
