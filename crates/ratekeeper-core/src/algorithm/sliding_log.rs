//! Sliding log: remembers the instant of every admission, and so is exact: N in any interval of length W.

use crate::{Algorithm, Limit, LimitError, MAX_LOG, Micros};

impl Limit {
    /// Sliding log: exact, remembers every admission, hence at most [`MAX_LOG`] per window.
    ///
    /// # Errors
    /// If `count` or `window` is out of range.
    pub fn sliding_log(count: u64, window: Micros) -> Result<Self, LimitError> {
        Self::new(Algorithm::SlidingLog, count, window, MAX_LOG)?.derive()
    }
}
