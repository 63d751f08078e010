//! Sliding window counter: this window's count, and the last one's by the part of it that still overlaps.
//!
//! Admits at most 2N − 1 in any interval of length W; N where traffic is even.

use crate::{Algorithm, Limit, LimitError, MAX_COUNT, Micros};

impl Limit {
    /// Sliding window counter: the window before counts by the part of it that still overlaps.
    ///
    /// # Errors
    /// If `count` or `window` is out of range.
    pub fn sliding_window(count: u64, window: Micros) -> Result<Self, LimitError> {
        Self::new(Algorithm::SlidingWindow, count, window, MAX_COUNT)?.derive()
    }
}
