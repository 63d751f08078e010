//! One physical line, as the reader lends it.

use crate::{Format, LineError, MAX_LINE_BYTES, Record, parse_line};

/// A physical line, borrowed from the reader until its next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number: the first line is 1, and every physical line counts, also blank and overlong ones.
    pub number: u64,
    /// What it holds.
    pub content: LineContent<'a>,
}

/// What a [`Line`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineContent<'a> {
    /// The bytes, without the line end (`\n` or `\r\n`).
    Bytes(&'a [u8]),
    /// The line passed the reader's limit and was skipped to its end.
    TooLong {
        /// Its length without the `\n`.
        bytes: u64,
        /// The limit that it passed.
        limit: u64,
    },
}

impl<'a> Line<'a> {
    /// Parses the line with [`parse_line`]; an overlong one is [`LineError::TooLong`].
    ///
    /// # Errors
    /// [`LineError`], for this line alone: reading goes on.
    pub fn parse(&self, format: Format) -> Result<Record<'a>, LineError> {
        match self.content {
            LineContent::Bytes(bytes) => parse_line(bytes, format),
            LineContent::TooLong { bytes, limit } => Err(LineError::TooLong { bytes, limit }),
        }
    }
}

// A default limit that does not fit the counters would make the messages lie.
const _: () = assert!(MAX_LINE_BYTES < u32::MAX as usize);
