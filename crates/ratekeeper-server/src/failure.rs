//! Why a command failed, and with which exit code.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use ratekeeper_accesslog::ReadError;
use ratekeeper_engine::EngineError;
use ratekeeper_policy::PolicyErrors;

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The policy has errors: exit code 1.
    #[error("{0}")]
    Policy(#[from] PolicyErrors),
    /// The policy needs something that this program does not have: exit code 1.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// A file could not be read: exit code 3.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A log could not be read to its end: exit code 3.
    #[error("{log}: {source}")]
    Log {
        /// Which log.
        log: String,
        /// Why.
        source: ReadError,
    },
    /// A file could not be written: exit code 3.
    #[error("{}: {source}", path.display())]
    WriteFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output could not be written: exit code 3.
    #[error("standard output: {0}")]
    Write(#[from] io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Policy(_) | Self::Engine(_) => ExitCode::from(1),
            _ => ExitCode::from(3),
        }
    }

    /// Tells the user, on standard error.
    #[allow(clippy::print_stderr)]
    pub(crate) fn report(&self) {
        eprintln!("{}", self.to_string().trim_end());
    }
}
