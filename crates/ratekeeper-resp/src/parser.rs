//! Requests out of received bytes.

use std::ops::Range;

use memchr::memchr;

use crate::inline::split;
use crate::number::number;
use crate::{Limits, ProtocolError, Request};

/// The most bytes of a line with a number, its first letter included.
const LINE: usize = 32;

/// Reads requests, one after the other; what it has seen of one that is not whole yet it does not look at again.
///
/// Allocates nothing once it has seen a request with as many arguments, but for inline requests.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    stage: Stage,
    /// What of the request was looked at.
    at: usize,
    /// Where the arguments that are whole lie.
    arguments: Vec<Range<usize>>,
    /// The arguments of an inline request, without their quotes.
    unquoted: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The first byte of a request.
    Begin,
    /// The line with the number of arguments.
    Count,
    /// The lines with the length of an argument, and this many arguments.
    Length { missing: usize },
    /// An argument of this length; with it, this many are missing.
    Argument { missing: usize, length: usize },
    /// The end of a line of words.
    Inline,
}

impl Parser {
    /// A parser that refuses requests beyond these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, stage: Stage::Begin, at: 0, arguments: Vec::new(), unquoted: Vec::new() }
    }

    /// The next request. `bytes` is everything that was received after the last one; as long as the answer is `None` more
    /// is needed, and the same bytes come again, with more behind them.
    ///
    /// # Errors
    /// If the bytes are no request, or larger than one may be. Then the connection cannot go on.
    pub fn parse<'p>(&'p mut self, bytes: &'p [u8]) -> Result<Option<Request<'p>>, ProtocolError> {
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            match self.stage {
                Stage::Begin => {
                    self.arguments.clear();
                    self.stage = match rest.first() {
                        None => return Ok(None),
                        Some(b'*') => Stage::Count,
                        Some(_) => Stage::Inline,
                    };
                }
                Stage::Count => {
                    let Some((count, length)) =
                        line(rest, ProtocolError::ArgumentCountLine, ProtocolError::ArgumentCount)?
                    else {
                        return Ok(None);
                    };
                    self.at += length;
                    // Of none or fewer: Redis passes over it.
                    let missing = usize::try_from(count).unwrap_or(0);
                    if missing > self.limits.arguments {
                        return Err(ProtocolError::ArgumentCount);
                    }
                    if missing == 0 {
                        return Ok(Some(self.whole(bytes)));
                    }
                    self.stage = Stage::Length { missing };
                }
                Stage::Length { missing } => {
                    match rest.first() {
                        None => return Ok(None),
                        Some(b'$') => {}
                        Some(other) => return Err(ProtocolError::NoArgument(*other)),
                    }
                    let Some((length, line)) =
                        line(rest, ProtocolError::ArgumentLengthLine, ProtocolError::ArgumentLength)?
                    else {
                        return Ok(None);
                    };
                    self.at += line;
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    if length > self.limits.argument_bytes {
                        return Err(ProtocolError::ArgumentLength);
                    }
                    if self.at + length + 2 > self.limits.request_bytes {
                        return Err(ProtocolError::RequestTooLarge);
                    }
                    self.stage = Stage::Argument { missing, length };
                }
                Stage::Argument { missing, length } => {
                    match rest.get(length..) {
                        Some([b'\r', b'\n', ..]) => {}
                        None | Some([] | [b'\r']) => return Ok(None),
                        Some(_) => return Err(ProtocolError::LineEnd),
                    }
                    self.arguments.push(self.at..self.at + length);
                    self.at += length + 2;
                    if missing == 1 {
                        return Ok(Some(self.whole(bytes)));
                    }
                    self.stage = Stage::Length { missing: missing - 1 };
                }
                Stage::Inline => return self.inline(bytes),
            }
        }
    }

    fn inline<'p>(&'p mut self, bytes: &'p [u8]) -> Result<Option<Request<'p>>, ProtocolError> {
        let end = memchr(b'\n', bytes.get(self.at..).unwrap_or_default()).map(|place| self.at + place);
        self.at = end.map_or(bytes.len(), |end| end + 1);
        if end.unwrap_or(bytes.len()) > self.limits.argument_bytes {
            return Err(ProtocolError::InlineTooLarge);
        }
        let Some(end) = end else {
            return Ok(None);
        };
        self.unquoted.clear();
        split(&bytes[..end], self.limits.arguments, &mut self.unquoted, &mut self.arguments)?;
        let length = self.next();
        Ok(Some(Request { bytes: &self.unquoted, arguments: &self.arguments, length }))
    }

    fn whole<'p>(&'p mut self, bytes: &'p [u8]) -> Request<'p> {
        let length = self.next();
        Request { bytes, arguments: &self.arguments, length }
    }

    /// Goes on to the next request; the length of this one.
    fn next(&mut self) -> usize {
        self.stage = Stage::Begin;
        std::mem::take(&mut self.at)
    }
}

/// The number after the first letter of a line, and the length of the line; `None` if its end is missing.
fn line(
    bytes: &[u8],
    too_long: ProtocolError,
    no_number: ProtocolError,
) -> Result<Option<(i64, usize)>, ProtocolError> {
    let seen = &bytes[..bytes.len().min(LINE)];
    let Some(end) = seen.iter().position(|byte| *byte == b'\r') else {
        return if seen.len() < LINE {
            Ok(None)
        } else {
            Err(too_long)
        };
    };
    match bytes.get(end + 1) {
        None => return Ok(None),
        Some(b'\n') => {}
        Some(_) => return Err(ProtocolError::LineEnd),
    }
    let number = bytes.get(1..end).and_then(number).ok_or(no_number)?;
    Ok(Some((number, end + 2)))
}
