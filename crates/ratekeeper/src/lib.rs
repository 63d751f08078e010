#![doc = include_str!("guide.md")]

#[cfg(feature = "policy")]
pub mod engine;
mod limiter;
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
    Answer, Batch, BoxFuture, Capabilities, Check, Clock, ClockSource, Group, ManualClock, MemoryConfig,
    MemoryStats, MemoryStore, Overflow, Store, StoreError, StoreExt, SystemClock, Unit, unit,
};
