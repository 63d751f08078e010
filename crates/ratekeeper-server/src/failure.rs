//! Why a command failed, and with which exit code.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use ratekeeper_accesslog::ReadError;
use ratekeeper_engine::EngineError;
use ratekeeper_load::LoadError;
use ratekeeper_policy::PolicyErrors;
use ratekeeper_store::StoreError;

use crate::remote::RemoteError;
use crate::settings::SettingsError;
use crate::shown::printable;

/// As clap prints its own errors.
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The policy has errors: exit code 1.
    #[error("{0}")]
    Policy(#[from] PolicyErrors),
    /// The policy needs something that this program does not have: exit code 1.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// A store cannot be what the policy describes: exit code 1.
    #[error("{}: stores.{store}: {reason}", name(file))]
    Store {
        /// The policy.
        file: PathBuf,
        /// The name of the store.
        store: String,
        /// Why.
        reason: StoreError,
    },
    /// Two arguments would read standard input: exit code 2.
    #[error("standard input, -, can be read only once")]
    StandardInputTwice,
    /// The decisions would overwrite what they are made from: exit code 2.
    #[error("{}: the decisions would overwrite this file, which is read", name(.0))]
    Overwrites(PathBuf),
    /// A file could not be read: exit code 3.
    #[error("{}: {source}", name(path))]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A log could not be read to its end: exit code 3.
    #[error("{}: {}", name(log), cause(source))]
    Log {
        /// Which log.
        log: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// A file could not be written: exit code 3.
    #[error("{}: {source}", name(path))]
    WriteFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output could not be written: exit code 3.
    #[error("standard output: {0}")]
    Write(io::Error),
    /// The settings are wrong: exit code 2.
    #[error("settings: {0}")]
    Settings(#[from] SettingsError),
    /// The server could not start: exit code 4.
    #[error("{what}{reason}")]
    Start {
        /// What could not.
        what: String,
        /// Why.
        reason: String,
    },
    /// A server could not be reached, or refused: exit code 4.
    #[error("{0}")]
    Remote(#[from] RemoteError),
    /// A load test could not be run: exit code 2 if the command line is to be corrected, else 4.
    #[error("{}", printable(&.0.to_string()))]
    Load(#[from] LoadError),
    /// Several failures were told as they came; this is the gravest exit code.
    #[error("exit code {0}")]
    Told(u8),
}

impl Failure {
    /// Something that the server needs to start is not there.
    pub(crate) fn start(what: &str, reason: impl std::fmt::Display) -> Self {
        Self::Start { what: format!("{what}: "), reason: reason.to_string() }
    }

    /// The same, for a reason that says what it is about.
    pub(crate) fn start_alone(reason: impl std::fmt::Display) -> Self {
        Self::Start { what: String::new(), reason: reason.to_string() }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Policy(_) | Self::Engine(_) | Self::Store { .. } => 1,
            Self::StandardInputTwice | Self::Overwrites(_) | Self::Settings(_) => 2,
            Self::Load(error) if error.is_usage() => 2,
            Self::Load(_) | Self::Start { .. } | Self::Remote(_) => 4,
            Self::Read { .. } | Self::Log { .. } | Self::WriteFile { .. } | Self::Write(_) => 3,
            Self::Told(code) => *code,
        }
    }

    /// Tells the user, on standard error. If that is closed, there is nobody to tell.
    pub(crate) fn report(&self) {
        let mut out = anstream::stderr().lock();
        _ = match self {
            // Each line begins with the place, as editors expect it.
            Self::Told(_) => Ok(()),
            Self::Policy(errors) => writeln!(out, "{errors}"),
            _ => writeln!(out, "{ERROR}error:{ERROR:#} {self}"),
        };
    }
}

/// Warns the user, on standard error, of what is no failure.
pub(crate) fn warn(warning: impl std::fmt::Display) {
    _ = writeln!(anstream::stderr().lock(), "{WARNING}warning:{WARNING:#} {warning}");
}

/// The outcome of writing to standard output: that its reader has read enough is no failure.
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Failure::Write),
    }
}

/// The name of a file as users know it.
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        printable(&path.display().to_string())
    }
}

/// Why, without the path, which stands before it.
fn cause(error: &ReadError) -> String {
    match error {
        ReadError::Open { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}
