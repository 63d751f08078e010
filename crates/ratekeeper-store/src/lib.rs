//! Where rate limit counters live.
//!
//! [`Store`] is the trait: it decides a [`Batch`] of units, each all-or-nothing, and writes the verdicts into it.
//! [`MemoryStore`] is the embedded default. What a store can promise stands in its [`Capabilities`], and the
//! conformance suite (feature `testkit`) holds every store to it, also one of a third party.

mod answer;
mod batch;
mod capabilities;
mod clock;
mod error;
mod memory;
mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod unit;

pub use answer::{Answer, BoxFuture};
pub use batch::{Batch, Check, Group, Unit};
pub use capabilities::{Capabilities, ClockSource, Overflow};
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::StoreError;
pub use memory::{MemoryConfig, MemoryStats, MemoryStore, NoDump, Restored};
pub use store::{Store, StoreExt};
