//! Gzip of one or many members, which gives out every byte that came before an error.

use std::io::{self, BufRead, BufReader, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// What is wrong with gzip data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GzipFault {
    /// The input ends inside a member.
    #[error("the gzip data is cut off")]
    Truncated,
    /// A member's header is not one of gzip with deflate.
    #[error("the gzip header is not valid")]
    Header,
    /// Something that is neither a member nor zeros follows the last member.
    #[error("other data follows the gzip data")]
    Trailing,
    /// The compressed data is not valid.
    #[error("the gzip data is corrupt")]
    Corrupt,
    /// Checksum or length do not fit the data.
    #[error("the checksum of the gzip data is wrong")]
    Checksum,
}

impl From<GzipFault> for io::Error {
    fn from(fault: GzipFault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}

/// The first bytes of every member.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
const FLAG_CRC: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;

#[derive(Clone, Copy, Debug)]
enum State {
    Header {
        first: bool,
    },
    Body,
    Trailer,
    /// The error that follows the bytes given out last.
    Failed(GzipFault),
    Done,
}

/// Reads the plain bytes. Memory is bounded whatever the ratio: only time grows with the plain length.
#[derive(Debug)]
pub(crate) struct Gunzip<R> {
    input: BufReader<R>,
    inflate: Decompress,
    crc: Crc,
    state: State,
}

impl<R: Read> Gunzip<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(64 * 1024, input),
            inflate: Decompress::new(false),
            crc: Crc::new(),
            state: State::Header { first: true },
        }
    }

    pub(crate) fn get_ref(&self) -> &R {
        self.input.get_ref()
    }

    /// Reads a member's header; whether there is one.
    fn header(&mut self, first: bool) -> io::Result<bool> {
        if !first && !self.more_than_padding()? {
            return Ok(false);
        }
        // Byte by byte: other data that is shorter than a header is not a header that was cut off.
        for byte in MAGIC {
            if self.exact::<1>()? != [byte] {
                let fault = if first {
                    GzipFault::Header
                } else {
                    GzipFault::Trailing
                };
                return Err(fault.into());
            }
        }
        let [method, flags, ..] = self.exact::<8>()?;
        if method != DEFLATE {
            return Err(GzipFault::Header.into());
        }
        if flags & FLAG_EXTRA != 0 {
            let length = u16::from_le_bytes(self.exact()?);
            let skipped = io::copy(&mut self.input.by_ref().take(u64::from(length)), &mut io::sink())?;
            if skipped < u64::from(length) {
                return Err(GzipFault::Truncated.into());
            }
        }
        for flag in [FLAG_NAME, FLAG_COMMENT] {
            if flags & flag != 0 {
                self.input.skip_until(0)?;
            }
        }
        if flags & FLAG_CRC != 0 {
            self.exact::<2>()?;
        }
        self.inflate.reset(false);
        self.crc.reset();
        Ok(true)
    }

    /// Skips the zeros that block devices and tapes append; whether anything follows.
    fn more_than_padding(&mut self) -> io::Result<bool> {
        loop {
            let input = fill(&mut self.input)?;
            if input.is_empty() {
                return Ok(false);
            }
            let zeros = input.iter().take_while(|&&byte| byte == 0).count();
            let all = zeros == input.len();
            self.input.consume(zeros);
            if !all {
                return Ok(true);
            }
        }
    }

    /// Inflates into `out`, which is not empty; 0 at the member's end.
    fn body(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = fill(&mut self.input)?;
            let at_end = input.is_empty();
            let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(input, out, FlushDecompress::None);
            let taken = usize::try_from(self.inflate.total_in() - taken).unwrap_or(usize::MAX);
            let given = usize::try_from(self.inflate.total_out() - given).unwrap_or(usize::MAX);
            self.input.consume(taken);
            self.crc.update(out.get(..given).unwrap_or_default());
            match status {
                Ok(Status::StreamEnd) => self.state = State::Trailer,
                Ok(Status::Ok | Status::BufError) if given > 0 || taken > 0 => {}
                Ok(Status::Ok | Status::BufError) if !at_end => {
                    self.state = State::Failed(GzipFault::Corrupt);
                }
                Ok(Status::Ok | Status::BufError) => self.state = State::Failed(GzipFault::Truncated),
                Err(_) => self.state = State::Failed(GzipFault::Corrupt),
            }
            if given > 0 || !matches!(self.state, State::Body) {
                return Ok(given);
            }
        }
    }

    fn trailer(&mut self) -> io::Result<()> {
        let crc = u32::from_le_bytes(self.exact()?);
        let length = u32::from_le_bytes(self.exact()?);
        if crc != self.crc.sum() || length != self.crc.amount() {
            return Err(GzipFault::Checksum.into());
        }
        Ok(())
    }

    fn exact<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => GzipFault::Truncated.into(),
            _ => error,
        })?;
        Ok(bytes)
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::Header { first } => {
                    // Nothing of an error is told twice, and nothing is read past it.
                    self.state = State::Done;
                    if self.header(first)? {
                        self.state = State::Body;
                    }
                }
                State::Body => match self.body(out)? {
                    0 => {}
                    given => return Ok(given),
                },
                State::Trailer => {
                    self.state = State::Done;
                    self.trailer()?;
                    self.state = State::Header { first: false };
                }
                State::Failed(fault) => {
                    self.state = State::Done;
                    return Err(fault.into());
                }
                State::Done => return Ok(0),
            }
        }
    }
}

/// The buffered input, refilled if it is empty.
fn fill<R: Read>(input: &mut BufReader<R>) -> io::Result<&[u8]> {
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(input.buffer())
}
