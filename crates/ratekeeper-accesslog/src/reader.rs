//! Splits input of any size into numbered lines, in bounded memory.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use crate::source::Source;
use crate::{Line, LineContent, ReadError};

/// The default limit of a line's length, in bytes: 1 MiB.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// The buffer before any long line.
const BUFFER_BYTES: usize = 128 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads lines from a log, which may be gzip, also of several members: its first bytes tell, not its name.
///
/// Memory is bounded by the limit of a line's length plus about 300 KiB, whatever the input: a longer line is
/// skipped to its end and told as [`LineContent::TooLong`], and of gzip only time grows with the plain length.
///
/// When the input fails or gzip data is damaged, every line before is delivered first, then what there is of the
/// line that was cut off, then the error, then `None`.
///
/// ```
/// use ratekeeper_accesslog::{LineContent, LogReader};
///
/// let mut reader = LogReader::new(&b"one\r\n\ntwo"[..])?;
/// let mut lines = Vec::new();
/// while let Some(line) = reader.next_line()? {
///     if let LineContent::Bytes(bytes) = line.content {
///         lines.push((line.number, bytes.to_vec()));
///     }
/// }
/// assert_eq!(lines, [(1, b"one".to_vec()), (2, b"".to_vec()), (3, b"two".to_vec())]);
/// # Ok::<(), ratekeeper_accesslog::ReadError>(())
/// ```
pub struct LogReader {
    source: Source,
    total: Option<u64>,
    max_line: usize,
    buffer: Vec<u8>,
    /// The part of the buffer that is read but not delivered.
    pending: Range<usize>,
    /// Up to where `pending` is known to hold no line end.
    scanned: usize,
    line: u64,
    /// No more is to be read: the end, or an error that is still to be told.
    ended: Option<Option<io::Error>>,
}

/// Where a line is, so that the buffer can be borrowed once it is complete.
enum Found {
    At(Range<usize>),
    TooLong(u64),
}

impl LogReader {
    /// Opens the file `path`, or standard input if it is `-`.
    ///
    /// # Errors
    /// [`ReadError::Open`] if that fails, or if its first bytes cannot be read: a directory, for example.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let (source, total) =
            Source::open(path).map_err(|source| ReadError::Open { path: path.to_path_buf(), source })?;
        Ok(Self::from_source(source, total))
    }

    /// Reads from `input`, of unknown length.
    ///
    /// # Errors
    /// [`ReadError::Read`] if the first bytes cannot be read.
    pub fn new(input: impl Read + Send + 'static) -> Result<Self, ReadError> {
        let source = Source::new(Box::new(input)).map_err(|error| ReadError::after(0, error))?;
        Ok(Self::from_source(source, None))
    }

    fn from_source(source: Source, total: Option<u64>) -> Self {
        Self {
            source,
            total,
            max_line: MAX_LINE_BYTES,
            buffer: vec![0; BUFFER_BYTES],
            pending: 0..0,
            scanned: 0,
            line: 0,
            ended: None,
        }
    }

    /// Changes the limit of a line's length, in bytes without the `\n`; [`MAX_LINE_BYTES`] at first.
    #[must_use]
    pub fn with_max_line(mut self, bytes: usize) -> Self {
        self.max_line = bytes;
        self
    }

    /// Bytes taken from the input so far, compressed if it is: up to [`total_bytes`](Self::total_bytes).
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.source.taken()
    }

    /// The length of the input in bytes, compressed if it is; `None` unless it is a regular file.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total
    }

    /// The next physical line, without its `\n` or `\r\n`, or `None` at the end. The last line may lack its end.
    /// A UTF-8 byte order mark at the start of the log is left out.
    ///
    /// # Errors
    /// [`ReadError`], once, when the input fails; after it there is only `None`.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        let found = match self.find() {
            Some(found) => found,
            None => match self.ended.as_mut().and_then(Option::take) {
                Some(error) => return Err(ReadError::after(self.line, error)),
                None => return Ok(None),
            },
        };
        self.line += 1;
        let content = match found {
            Found::TooLong(bytes) => LineContent::TooLong { bytes, limit: wide(self.max_line) },
            Found::At(range) => {
                let bytes = self.buffer.get(range).unwrap_or_default();
                let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
                LineContent::Bytes(match bytes.strip_prefix(BYTE_ORDER_MARK) {
                    Some(bytes) if self.line == 1 => bytes,
                    _ => bytes,
                })
            }
        };
        Ok(Some(Line { number: self.line, content }))
    }

    fn find(&mut self) -> Option<Found> {
        loop {
            let unseen = self.buffer.get(self.scanned..self.pending.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unseen) {
                let line = self.pending.start..self.scanned + at;
                self.pending.start = line.end + 1;
                self.scanned = self.pending.start;
                return Some(self.measured(line));
            }
            self.scanned = self.pending.end;
            if self.pending.len() > self.max_line {
                return Some(Found::TooLong(self.skip_line()));
            }
            if self.ended.is_some() {
                let line = self.pending.clone();
                self.pending.start = line.end;
                return if line.is_empty() {
                    None
                } else {
                    Some(Found::At(line))
                };
            }
            self.make_room();
            self.fill();
        }
    }

    fn measured(&self, line: Range<usize>) -> Found {
        if line.len() > self.max_line {
            Found::TooLong(wide(line.len()))
        } else {
            Found::At(line)
        }
    }

    /// Drops the line that `pending` begins, up to its end or that of the input: its length.
    fn skip_line(&mut self) -> u64 {
        let mut length = wide(self.pending.len());
        loop {
            self.pending = 0..0;
            self.scanned = 0;
            if self.ended.is_some() {
                return length;
            }
            self.fill();
            let unseen = self.buffer.get(self.pending.clone()).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unseen) {
                self.pending.start = at + 1;
                self.scanned = at + 1;
                return length.saturating_add(wide(at));
            }
            length = length.saturating_add(wide(unseen.len()));
        }
    }

    /// Moves `pending` to the front of the buffer, which grows if that leaves no room.
    fn make_room(&mut self) {
        if self.pending.start > 0 {
            self.buffer.copy_within(self.pending.clone(), 0);
            self.scanned -= self.pending.start;
            self.pending = 0..self.pending.len();
        }
        if self.pending.len() == self.buffer.len() {
            // Only a line within the limit comes here: the buffer never passes the limit by more than its first size.
            let length = (self.buffer.len() * 2).min(self.max_line.saturating_add(BUFFER_BYTES));
            // Doubling by `Vec` itself would pass it.
            self.buffer.reserve_exact(length - self.buffer.len());
            self.buffer.resize(length, 0);
        }
    }

    /// Reads once behind `pending`, where there is room.
    fn fill(&mut self) {
        let room = self.buffer.get_mut(self.pending.end..).unwrap_or_default();
        self.ended = loop {
            match self.source.read(room) {
                Ok(0) => break Some(None),
                Ok(count) => {
                    self.pending.end += count;
                    break None;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(Some(error)),
            }
        };
    }
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader")
            .field("line", &self.line)
            .field("bytes_read", &self.bytes_read())
            .field("total_bytes", &self.total)
            .field("max_line", &self.max_line)
            .finish_non_exhaustive()
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
