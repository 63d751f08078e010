//! The layer before real services, and who their users are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod layer;
mod user;
