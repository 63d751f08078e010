//! The cases, by theme. Which there are stands in `case.rs`.

pub(crate) mod algorithms;
pub(crate) mod boundaries;
pub(crate) mod cancellation;
pub(crate) mod concurrency;
pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod linearizability;
pub(crate) mod ops;
pub(crate) mod reload;
pub(crate) mod time;
pub(crate) mod units;
