//! The store against real servers.

// Not only in functions that are tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batches;
mod connections;
mod examination;
mod faults;
mod pooler;
mod processes;
mod schema;
mod suite;
mod support;
mod sweeping;
mod tls;
mod twin;
