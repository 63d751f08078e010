//! Leaky bucket as a queue: admissions leave it evenly spaced, each verdict says how long to wait.
//!
//! GCRA whose capacity is the longest delay. Callers that obey the delay are at most N + n_max − 1 in any interval
//! of length W, where n_max is the largest cost.

use crate::limit::MAX_SPAN;
use crate::{Algorithm, Limit, LimitError, MAX_COUNT, Micros};

impl Limit {
    /// Leaky bucket as a queue: spaces requests evenly at `count` per `window`, and refuses those that would
    /// wait longer than `max_delay`.
    ///
    /// # Errors
    /// If `count`, `window` or `max_delay` is out of range.
    pub fn leaky_queue(count: u64, window: Micros, max_delay: Micros) -> Result<Self, LimitError> {
        if max_delay == Micros::ZERO || max_delay > MAX_SPAN {
            return Err(LimitError::MaxDelay { given: max_delay });
        }
        let mut limit = Self::new(Algorithm::LeakyQueue, count, window, MAX_COUNT)?;
        limit.max_delay = max_delay;
        limit.derive()
    }
}
