//! Fixed window: a count that starts anew at each multiple of the window.
//!
//! Admits at most 2N in any interval of length W: N at the end of one window, N at the start of the next.

use crate::{Algorithm, Limit, LimitError, MAX_COUNT, Micros};

impl Limit {
    /// Fixed window: `count` in each window, aligned to the epoch. A count of 0 refuses everything.
    ///
    /// # Errors
    /// If `count` or `window` is out of range.
    pub fn fixed_window(count: u64, window: Micros) -> Result<Self, LimitError> {
        Self::new(Algorithm::FixedWindow, count, window, MAX_COUNT)?.derive()
    }
}
