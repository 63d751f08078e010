#![doc = include_str!("guide.md")]

#[cfg(feature = "policy")]
pub mod engine;
mod limiter;
#[cfg(feature = "outbound")]
pub mod outbound;
#[cfg(feature = "remote")]
pub mod remote;
#[cfg(feature = "tower")]
pub mod tower;

pub use limiter::{Limiter, Permit};
pub use ratekeeper_core::{
    Algorithm, Ask, Calendar, Entries, Entry, Evaluation, Gcra, Holder, Key, KeyError, Limit, LimitError,
    MAX_COUNT, MAX_EXACT, MAX_KEY, MAX_LOG, MAX_SPAN, Micros, Op, Period, State, StepError, Stored, Tag,
    Timestamp, Token, Verdict, Window, step,
};
#[cfg(feature = "testkit")]
pub use ratekeeper_store::testkit;
pub use ratekeeper_store::{
    Answer, Batch, BoxFuture, Capabilities, Change, Check, Clock, ClockSource, Examination, Finding, Group,
    ManualClock, MemoryConfig, MemoryStats, MemoryStore, Overflow, Severity, Store, StoreError, StoreExt,
    SystemClock, Unit, WorkingCopy, codec, unit,
};
