//! Why reading a log stopped.

use std::io;
use std::path::PathBuf;

use crate::GzipFault;

/// Why a log cannot be read, or not further. Every line before was delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be opened, or its first bytes cannot be read.
    #[error("cannot open {path:?}: {source}")]
    Open {
        /// The file; its `Debug` form in the message is escaped.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The gzip data is damaged.
    #[error("after line {line}: {fault}")]
    Gzip {
        /// The last line that was delivered; it may be cut off.
        line: u64,
        /// What is wrong.
        fault: GzipFault,
    },
    /// The input failed.
    #[error("after line {line}: cannot read further: {source}")]
    Read {
        /// The last line that was delivered; it may be cut off.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
}

impl ReadError {
    /// The error `source` that came when `line` lines had been delivered.
    pub(crate) fn after(line: u64, source: io::Error) -> Self {
        match source.get_ref().and_then(|inner| inner.downcast_ref::<GzipFault>()) {
            Some(&fault) => Self::Gzip { line, fault },
            None => Self::Read { line, source },
        }
    }
}
