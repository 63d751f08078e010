//! Concurrency: how many are held at once, whatever their rate.
//!
//! Admits N, plus holders that outlive their ttl.

use crate::{Algorithm, Limit, LimitError, MAX_COUNT, Micros};

impl Limit {
    /// Concurrency: at most `count` held at once; a holder that is neither released nor renewed is forgotten
    /// after `ttl`.
    ///
    /// # Errors
    /// If `count` or `ttl` is out of range.
    pub fn concurrency(count: u64, ttl: Micros) -> Result<Self, LimitError> {
        Self::new(Algorithm::Concurrency, count, ttl, MAX_COUNT)?.derive()
    }
}
