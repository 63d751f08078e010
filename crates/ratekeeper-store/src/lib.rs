//! Where rate limit counters live.
//!
//! [`Store`] is the trait: it decides a [`Batch`] of units, each all-or-nothing, and writes the verdicts into it.
//! [`MemoryStore`] is the embedded default. What a store can promise stands in its [`Capabilities`], and the
//! conformance suite (feature `testkit`) holds every store to it, also one of a third party.

mod answer;
mod batch;
#[cfg(feature = "remote")]
mod breaker;
mod capabilities;
mod clock;
#[cfg(feature = "remote")]
mod coalesce;
pub mod codec;
#[cfg(feature = "remote")]
mod copied_unit;
#[cfg(feature = "remote")]
mod deadline;
#[cfg(feature = "remote")]
mod deny_cache;
mod error;
mod examination;
mod memory;
#[cfg(feature = "remote")]
mod parts;
#[cfg(feature = "remote")]
mod percent;
mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod unit;
mod working_copy;
#[cfg(feature = "remote")]
mod wrappers;

pub use answer::{Answer, BoxFuture};
pub use batch::{Batch, Check, Group, Unit};
#[cfg(feature = "remote")]
pub use breaker::{Breaker, BreakerConfig, BreakerState};
pub use capabilities::{Capabilities, ClockSource, Overflow};
pub use clock::{Clock, ManualClock, SystemClock};
#[cfg(feature = "remote")]
pub use coalesce::{Coalesce, CoalesceConfig};
#[cfg(feature = "remote")]
pub use deadline::Deadline;
#[cfg(feature = "remote")]
pub use deny_cache::DenyCache;
pub use error::StoreError;
pub use examination::{Examination, Finding, Severity};
pub use memory::{MemoryConfig, MemoryStats, MemoryStore, NoDump, Restored};
#[cfg(feature = "remote")]
pub use parts::{Parts, apply_in_parts};
#[cfg(feature = "remote")]
pub use percent::percent_decoded;
pub use store::{Store, StoreExt};
pub use working_copy::{Change, WorkingCopy};
#[cfg(feature = "remote")]
pub use wrappers::{Wrapped, WrapperStats, Wrappers};
