//! The real server, asked by real clients, behind real proxies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api;
mod bench;
mod client;
mod drain;
mod exact;
mod hammer;
mod hostile;
mod identity;
mod imported;
mod listeners;
mod monitoring;
mod programs;
mod quick_start;
mod redis;
mod server;
mod stores;
mod upstream;

use std::path::Path;

/// The top of the workspace.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
