//! The line of those who wait for one key.

use std::collections::BTreeMap;

use ratekeeper_core::Timestamp;
use tokio::sync::oneshot;

use crate::counters::Counters;
use crate::{PaceError, Permit};

/// How a wait ends.
pub(crate) type Answer = Result<Permit, PaceError>;

/// A call that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) cost: u64,
    pub(crate) since: Timestamp,
    /// Until when it may wait.
    pub(crate) until: Timestamp,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// Those who wait, first come first served.
#[derive(Debug, Default)]
pub(crate) struct Line {
    waiting: BTreeMap<u64, Waiting>,
    last: u64,
    /// What the counters will be when all of them have gone, if somebody has worked it out and it still holds.
    pub(crate) forecast: Option<Forecast>,
}

/// When the last in line goes at the earliest, and what is left of the limits then.
#[derive(Debug)]
pub(crate) struct Forecast {
    pub(crate) counters: Counters,
    pub(crate) at: Timestamp,
}

impl Line {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The forecast, worked out from the costs of all in their order if nobody has done so.
    pub(crate) fn forecast(
        &mut self,
        work_out: impl FnOnce(&mut dyn Iterator<Item = u64>) -> Forecast,
    ) -> &Forecast {
        let costs = &mut self.waiting.values().map(|waiting| waiting.cost);
        self.forecast.get_or_insert_with(|| work_out(costs))
    }

    /// Adds a call at the end, and says under which number.
    pub(crate) fn push(&mut self, waiting: Waiting) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, waiting);
        self.last
    }

    pub(crate) fn first(&self) -> Option<&Waiting> {
        self.waiting.first_key_value().map(|(_, waiting)| waiting)
    }

    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let (_, first) = self.waiting.pop_first()?;
        if self.waiting.is_empty() {
            self.forecast = None;
        }
        Some(first)
    }

    /// Takes a call out of the line, wherever it stands; says whether it still stood there.
    pub(crate) fn leave(&mut self, number: u64) -> bool {
        let stood = self.waiting.remove(&number).is_some();
        if stood {
            self.forecast = None;
        }
        stood
    }

    /// Takes out all who may not wait until `at`.
    pub(crate) fn take_hopeless(&mut self, at: Timestamp) -> Vec<Waiting> {
        let hopeless: Vec<_> = self.waiting.extract_if(.., |_, waiting| waiting.until < at).collect();
        if !hopeless.is_empty() {
            self.forecast = None;
        }
        hopeless.into_iter().map(|(_, waiting)| waiting).collect()
    }

    /// Sends everybody away unanswered.
    pub(crate) fn dissolve(&mut self) -> BTreeMap<u64, Waiting> {
        self.forecast = None;
        std::mem::take(&mut self.waiting)
    }
}
