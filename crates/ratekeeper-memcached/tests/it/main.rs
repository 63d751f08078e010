//! The store against real servers of memcached.

// Not only in functions that are tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod faults;
mod hostile;
mod processes;
mod runtime;
mod servers;
mod setups;
mod trips;
mod windows;
