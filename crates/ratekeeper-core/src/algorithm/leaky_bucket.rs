//! Leaky bucket as a meter: admissions fill it, it drains at a steady rate, what would overflow is refused.
//!
//! The mirror image of the token bucket and the same numbers, under the name its users know. Admits at most
//! N + b − 1 in any interval of length W.

use crate::{Algorithm, Limit, LimitError, MAX_COUNT, Micros};

impl Limit {
    /// Leaky bucket as a meter: drains `count` per `window` and refuses what would overflow it.
    ///
    /// # Errors
    /// If `count` or `window` is out of range.
    pub fn leaky_bucket(count: u64, window: Micros) -> Result<Self, LimitError> {
        Self::new(Algorithm::LeakyBucket, count, window, MAX_COUNT)?.derive()
    }
}
