//! The store against real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
