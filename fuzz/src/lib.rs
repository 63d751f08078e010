//! What may be fed anything: each target takes bytes and must neither panic nor break what it asserts.
//!
//! The targets are plain functions, so that the ordinary tests run them over the committed corpus and its
//! mutations. libFuzzer's entry points to them are the package in `libfuzzer/`, outside of the workspace, so
//! that nobody else has to compile libFuzzer: `cargo xtask fuzz`.

mod bytes;
mod limit;
mod log_line;
mod policy;
mod resp;
mod step;
mod told;

pub use limit::limit;
pub use log_line::log_line;
pub use policy::policy;
pub use resp::resp;
pub use step::step;
pub use told::told;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of its corpus folder and of its entry point.
    pub name: &'static str,
    /// Feeds it one input.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "limit", run: limit },
    Target { name: "log_line", run: log_line },
    Target { name: "policy", run: policy },
    Target { name: "resp", run: resp },
    Target { name: "step", run: step },
    Target { name: "told", run: told },
];
