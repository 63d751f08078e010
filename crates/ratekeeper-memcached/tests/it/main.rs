//! The store against real servers of memcached.

// Not only in functions that are tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod processes;
mod runtime;
mod servers;
mod trips;
mod windows;
