//! What can go wrong in a task, in words for whoever ran it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a task did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    #[error("cannot start `{command}`: {source}")]
    Start { command: String, source: io::Error },
    #[error("`{command}` failed: {status}{}", tail(stderr))]
    Failed {
        command: String,
        status: ExitStatus,
        stderr: String,
    },
    #[error("cargo metadata: {0}")]
    Metadata(#[from] cargo_metadata::Error),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("step `{step}`: {source}")]
    Step { step: &'static str, source: Box<Error> },
    #[error("the toolchain lacks {component}: run `rustup component add {component}`")]
    Component { component: &'static str },
    #[error("{programs} still missing after installing the packages; see xtask/src/needs.rs")]
    Needs { programs: String },
    #[error("{0} broken house rule(s)")]
    Untidy(usize),
    #[error(
        "{0} path(s) cost more than before; if that is meant: `cargo xtask bench instructions --accept`, \
         and say in the commit why"
    )]
    Slower(usize),
    #[error("valgrind counted nothing for {path}")]
    NotCounted { path: String },
    #[error("{} not up to date: run `cargo xtask generate` and commit the result", paths.join(", "))]
    Stale { paths: Vec<String> },
    #[error("README.md has no fenced command line beginning `{start}`")]
    NoReadmeJob { start: &'static str },
    #[error("no workspace member is called `{0}`")]
    NoPackage(&'static str),
    #[error("no fuzz target is called `{target}`; there are: {}", known.join(", "))]
    NoFuzzTarget { target: String, known: Vec<String> },
    #[error("cargo-fuzz is not installed: run `cargo install cargo-fuzz`")]
    NoCargoFuzz,
}

impl Error {
    /// An input or output error with the path it belongs to.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}

/// Captured error output on lines of its own, nothing if there is none.
fn tail(stderr: &str) -> String {
    let text = stderr.trim_end();
    if text.is_empty() {
        String::new()
    } else {
        format!("\n{text}")
    }
}
