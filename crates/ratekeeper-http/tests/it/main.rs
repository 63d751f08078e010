//! The layer before real services.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod layer;
mod user;
