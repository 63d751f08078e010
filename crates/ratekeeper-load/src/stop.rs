//! Ends a run before its time.

use tokio::sync::watch;

/// Tells a run to end, from anywhere.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Ends the run: what was measured until then is told.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) async fn stopped(&self) {
        // The sender is here: the channel is not closed.
        _ = self.0.subscribe().wait_for(|stopped| *stopped).await;
    }
}
