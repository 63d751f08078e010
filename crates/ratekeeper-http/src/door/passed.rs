//! A request that passed.

use std::time::Duration;

use ratekeeper_engine::{Decision, Outcome};

use super::{Door, Held, Told};

/// What is left to do for a request that passed. Dropping it lets go of what the request holds.
#[derive(Debug, Default)]
pub struct Passed {
    /// How long a queue keeps it waiting.
    pub delay: Option<Duration>,
    /// What its response tells.
    pub told: Told,
    /// What it holds until its response is done.
    pub held: Option<Held>,
}

impl Passed {
    #[inline]
    pub(super) fn new(door: &Door, outcome: Outcome) -> Self {
        let delay = match outcome.decision {
            Decision::Delay(delay) => Some(Duration::from_micros(delay.get())),
            _ => None,
        };
        let told = Told::new(door, &outcome, None);
        let held = if outcome.holds() {
            Some(Held::new(&door.engine, outcome))
        } else {
            None
        };
        Self { delay, told, held }
    }

    /// Waits as long as a queue says.
    pub async fn wait(&self) {
        if let Some(delay) = self.delay {
            tokio::time::sleep(delay).await;
        }
    }
}
