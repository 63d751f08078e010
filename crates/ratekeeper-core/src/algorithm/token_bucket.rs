//! Token bucket: tokens flow in at a steady rate up to a burst, every admission takes some out.
//!
//! Computed as GCRA (the generic cell rate algorithm, ITU-T I.371): one instant says all. Admits at most N + b − 1 in
//! any interval of length W.

use crate::{Algorithm, Limit, LimitError, MAX_COUNT, Micros};

impl Limit {
    /// Token bucket: `count` tokens flow in per `window`, up to a burst of `count` unless
    /// [`with_burst`](Self::with_burst) says otherwise.
    ///
    /// # Errors
    /// If `count` or `window` is out of range.
    pub fn token_bucket(count: u64, window: Micros) -> Result<Self, LimitError> {
        Self::new(Algorithm::TokenBucket, count, window, MAX_COUNT)?.derive()
    }
}
