//! Which policy is in force, and how the last attempt to replace it ended.

use parking_lot::Mutex;
use ratekeeper_core::Timestamp;

/// What operators want to know of the policy.
#[derive(Debug)]
pub(crate) struct PolicyStatus(Mutex<Status>);

/// How things stand.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    /// Since when the policy is in force.
    pub(crate) loaded_at: Timestamp,
    /// Why the last attempt to replace it failed, and when.
    pub(crate) last_error: Option<(Timestamp, String)>,
}

impl PolicyStatus {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(Mutex::new(Status { loaded_at: now, last_error: None }))
    }

    pub(crate) fn get(&self) -> Status {
        self.0.lock().clone()
    }

    pub(crate) fn loaded(&self, now: Timestamp) {
        *self.0.lock() = Status { loaded_at: now, last_error: None };
    }

    pub(crate) fn failed(&self, now: Timestamp, error: String) {
        self.0.lock().last_error = Some((now, error));
    }
}
