//! What a node answers, read as the bytes come in.

use bytes::{Buf, BytesMut};
use smallvec::SmallVec;

/// The answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It is done (`HD`, `STORED`, `MN`).
    Done,
    /// The value of an item (`VA`), and under which number it was written if that was asked for.
    Value {
        /// The bytes.
        data: SmallVec<[u8; 48]>,
        /// Its compare-and-swap number; 0 if there is none.
        cas: u64,
    },
    /// There is no such item (`EN`, `NF`).
    Missing,
    /// Somebody else wrote it in between (`EX`, `NS`).
    Conflict,
    /// The item holds something that is no number.
    NotANumber,
    /// What the server says when it cannot (`SERVER_ERROR`).
    Refused(String),
    /// `VERSION`.
    Version(String),
    /// The lines of `stats`.
    Stats(Vec<(String, String)>),
}

/// A connection that cannot be used any more: it is not known where the next answer begins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Garbled(String);

/// The longest value: the largest item of a server that was not told otherwise.
pub(crate) const LARGEST_VALUE: usize = 1 << 20;
/// The longest line that is waited for.
const LONGEST_LINE: usize = 2048;
/// The most lines of `stats`.
const MOST_STATS: usize = 1024;

/// Splits what a node sends into replies. It keeps no more than the longest reply.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    stats: Vec<(String, String)>,
    /// The length and number of the value whose first line has been read.
    value: Option<(usize, u64)>,
}

impl Decoder {
    /// The next reply, if it is there as a whole; its bytes are taken from `input`.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, Garbled> {
        loop {
            if let Some((length, cas)) = self.value {
                return self.value(input, length, cas);
            }
            let Some(end) = input.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n') else {
                return match input.len() >= LONGEST_LINE {
                    true => Err(Garbled(format!("a line of more than {LONGEST_LINE} bytes"))),
                    false => Ok(None),
                };
            };
            let line = input.split_to(end + 1);
            let line = line.strip_suffix(b"\r\n").ok_or_else(|| garbled(&line))?;
            if let Some(reply) = self.line(line)? {
                return Ok(Some(reply));
            }
        }
    }

    /// The reply that a line is; `None` if more belongs to it.
    fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, Garbled> {
        let (code, rest) = match line.iter().position(|byte| *byte == b' ') {
            Some(space) => (&line[..space], &line[space + 1..]),
            None => (line, &[][..]),
        };
        Ok(Some(match code {
            b"HD" | b"STORED" | b"MN" => Reply::Done,
            b"VA" => {
                self.value = Some(first_line(rest).ok_or_else(|| garbled(line))?);
                return Ok(None);
            }
            b"EN" | b"NF" => Reply::Missing,
            b"EX" | b"NS" => Reply::Conflict,
            b"SERVER_ERROR" => Reply::Refused(text(rest)),
            b"CLIENT_ERROR" if rest.ends_with(b"non-numeric value") => Reply::NotANumber,
            b"VERSION" => Reply::Version(text(rest)),
            b"STAT" if self.stats.len() < MOST_STATS => {
                let (name, value) =
                    rest.split_at(rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len()));
                self.stats.push((text(name), text(value.trim_ascii_start())));
                return Ok(None);
            }
            b"END" => Reply::Stats(std::mem::take(&mut self.stats)),
            _ => return Err(garbled(line)),
        }))
    }

    fn value(&mut self, input: &mut BytesMut, length: usize, cas: u64) -> Result<Option<Reply>, Garbled> {
        if input.len() < length + 2 {
            return Ok(None);
        }
        self.value = None;
        let data = SmallVec::from_slice(&input[..length]);
        input.advance(length);
        match input.split_to(2).as_ref() {
            b"\r\n" => Ok(Some(Reply::Value { data, cas })),
            other => Err(garbled(other)),
        }
    }
}

/// The length of the value that follows, and its compare-and-swap number.
fn first_line(rest: &[u8]) -> Option<(usize, u64)> {
    let mut words = std::str::from_utf8(rest).ok()?.split_ascii_whitespace();
    let length = words.next()?.parse().ok().filter(|length| *length <= LARGEST_VALUE)?;
    let cas = words.find_map(|word| word.strip_prefix('c'));
    Some((length, cas.map_or(Some(0), |cas| cas.parse().ok())?))
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn garbled(line: &[u8]) -> Garbled {
    const SHOWN: usize = 80;
    Garbled(match line {
        b"ERROR" => "it does not know meta commands; memcached 1.6.10 or later is needed".to_owned(),
        _ => format!("it answers \"{}\"", line[..line.len().min(SHOWN)].escape_ascii()),
    })
}

#[cfg(test)]
mod tests;
