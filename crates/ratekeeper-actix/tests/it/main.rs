//! The middleware before real applications.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod actix;
mod middleware;
