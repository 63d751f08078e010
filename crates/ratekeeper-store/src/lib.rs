//! Where rate limit counters live.
//!
//! [`Store`] is the trait: it decides a [`Batch`] of units, each all-or-nothing, and writes the verdicts into it.
//! [`MemoryStore`] is the embedded default. What a store can promise stands in its [`Capabilities`], and the
//! conformance suite (feature `testkit`) holds every store to it, also one of a third party.

mod answer;
mod batch;
mod capabilities;
mod clock;
#[cfg(feature = "remote")]
mod coalesce;
pub mod codec;
#[cfg(feature = "remote")]
mod copied_unit;
mod error;
mod examination;
mod memory;
#[cfg(feature = "remote")]
mod parts;
mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod unit;
mod working_copy;

pub use answer::{Answer, BoxFuture};
pub use batch::{Batch, Check, Group, Unit};
pub use capabilities::{Capabilities, ClockSource, Overflow};
pub use clock::{Clock, ManualClock, SystemClock};
#[cfg(feature = "remote")]
pub use coalesce::{Coalesce, CoalesceConfig};
pub use error::StoreError;
pub use examination::{Examination, Finding, Severity};
pub use memory::{MemoryConfig, MemoryStats, MemoryStore, NoDump, Restored};
#[cfg(feature = "remote")]
pub use parts::{Parts, apply_in_parts};
pub use store::{Store, StoreExt};
pub use working_copy::{Change, WorkingCopy};
