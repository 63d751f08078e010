//! The store against real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batches;
mod conformance;
mod connections;
mod examination;
mod failover;
mod faults;
mod foreign;
mod processes;
mod support;
mod trips;
