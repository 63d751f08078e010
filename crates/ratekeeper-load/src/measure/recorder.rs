//! Tallies that many tasks write to, read from time to time.

use std::time::Duration;

use parking_lot::Mutex;

use super::Tally;
use crate::client::{Answer, Problem};
use crate::error::LoadError;

/// One tally for each of a few groups of tasks, so that they seldom wait for each other.
#[derive(Debug)]
pub(crate) struct Recorder {
    shards: Vec<Mutex<Tally>>,
}

impl Recorder {
    /// # Errors
    /// If the histograms cannot be made: a mistake of ours.
    pub(crate) fn new(shards: usize) -> Result<Self, LoadError> {
        let shards = (0..shards.max(1)).map(|_| Tally::new().map(Mutex::new)).collect::<Result<_, _>>()?;
        Ok(Self { shards })
    }

    /// Notes a request of the task with this number.
    pub(crate) fn note(
        &self,
        task: usize,
        late: Option<Duration>,
        took: Duration,
        outcome: &Result<Answer, Problem>,
    ) {
        let mut tally = self.shards[task % self.shards.len()].lock();
        tally.begun(late);
        tally.ended(took, outcome);
    }

    /// Notes requests that waited this long for a connection, and were given up.
    pub(crate) fn lost(&self, task: usize, count: u64, waited: Duration) {
        if count > 0 {
            self.shards[task % self.shards.len()].lock().lost(count, waited);
        }
    }

    /// Moves what was noted since the last time into `window`.
    pub(crate) fn take(&self, window: &mut Tally) {
        window.clear();
        for shard in &self.shards {
            let mut tally = shard.lock();
            window.add(&tally);
            tally.clear();
        }
    }
}
