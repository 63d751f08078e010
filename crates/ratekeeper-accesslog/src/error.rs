//! Why a line is no record.

use crate::excerpt::Excerpt;
use crate::request::RequestFault;
use crate::time::TimeFault;

/// Why a line could not be understood, and what would be right. Safe to print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// Nothing but white space. Not a mistake: see [`LineError::is_blank`].
    #[error("the line is blank")]
    Empty,
    /// The line was longer than the reader keeps.
    #[error("the line has {bytes} bytes, more than the {limit} that are read of one line")]
    TooLong {
        /// Its length without the line end.
        bytes: u64,
        /// The limit of the reader.
        limit: u64,
    },
    /// Nothing stands before the time.
    #[error("no client before the time: a line begins with the client's address or host name")]
    NoClient,
    /// No `[` anywhere.
    #[error("no time in brackets, such as [17/May/2015:10:05:03 +0000], in `{found}`")]
    NoTime {
        /// The beginning of the line.
        found: Excerpt,
    },
    /// There is a time, but not a valid one.
    #[error("bad time `{found}`: {fault}")]
    BadTime {
        /// The time as written.
        found: Excerpt,
        /// What is wrong with it.
        fault: TimeFault,
    },
    /// What follows the time is not a quoted request.
    #[error("no request such as \"GET /path HTTP/1.1\" in quotes after the time, but `{found}`")]
    NoRequest {
        /// What stands there.
        found: Excerpt,
    },
    /// The line ends inside the request: its target may be cut off.
    #[error("the request `{found}` has no closing quote: the line may be cut off")]
    RequestNotClosed {
        /// The beginning of the request.
        found: Excerpt,
    },
    /// The quoted request is not of the form `METHOD target`.
    #[error("bad request `{found}`: {fault}")]
    BadRequest {
        /// The request as written.
        found: Excerpt,
        /// What is wrong with it.
        fault: RequestFault,
    },
    /// What follows the request is no status.
    #[error("no status of three digits, or -, after the request, but `{found}`: the line may be cut off")]
    BadStatus {
        /// What stands there.
        found: Excerpt,
    },
    /// A line of a JSON log is no object.
    #[error("not a JSON object, which begins with {{, but `{found}`")]
    NotAnObject {
        /// The beginning of the line.
        found: Excerpt,
    },
    /// A line that begins with `{` is not valid JSON.
    #[error("invalid JSON at column {column}: {reason}")]
    JsonSyntax {
        /// The column, in bytes from 1 after leading white space.
        column: usize,
        /// What the parser expected.
        reason: String,
    },
    /// A JSON object lacks what every record needs.
    #[error("the JSON object has no {what}: {expected}")]
    JsonMissing {
        /// What is missing.
        what: &'static str,
        /// Which fields would give it.
        expected: &'static str,
    },
}

impl LineError {
    /// Whether the line is merely blank: it counts as a physical line, but is neither a request nor an error.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Empty)
    }
}
