//! Why a load test cannot be run.

use std::io;
use std::path::PathBuf;

/// A load test cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The url is none.
    #[error("{option}: {reason}")]
    Url {
        /// Which.
        option: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two options, or an option and the server, do not fit each other.
    #[error("{what}")]
    Option {
        /// What is wrong, and what would be right.
        what: String,
    },
    /// The roots of certificates cannot be read.
    #[error("{}: {source}", path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The server does not answer as it should, before any load.
    #[error("{url}: {detail}; nothing was measured")]
    Server {
        /// Which server.
        url: String,
        /// What it did.
        detail: String,
    },
}

impl LoadError {
    pub(crate) fn option(what: impl Into<String>) -> Self {
        Self::Option { what: what.into() }
    }

    /// Whether the command line is to be corrected, and not the server.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Server { .. })
    }
}
