//! Why there are no settings.

use std::io;
use std::path::PathBuf;

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is wrong: with line and column.
    #[error("{}: {message}", path.display())]
    File { path: PathBuf, message: String },
    /// A variable or flag is wrong.
    #[error("{name}: {message}")]
    Value { name: String, message: String },
    /// There is no such setting.
    #[error("--set {name}: there is no such setting; `ratekeeper serve --print-config` shows them all")]
    Unknown { name: String },
    /// Settings do not fit together.
    #[error("{0}")]
    Inconsistent(String),
}
