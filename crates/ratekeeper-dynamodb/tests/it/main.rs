//! The store against DynamoDB Local, the service as its vendor lets it be run at home.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod common;
mod conformance;
mod faults;
mod items;
mod pretended;
mod processes;
mod recorded;
mod stale;
mod table;
mod trips;
