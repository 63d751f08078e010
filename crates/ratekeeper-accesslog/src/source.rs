//! Where bytes come from: a file, standard input or any reader, plain or gzip.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::gunzip::{Gunzip, MAGIC};

/// Raw input with its first bytes put back, counting what was taken from it.
pub(crate) struct Raw {
    input: Box<dyn Read + Send>,
    peeked: [u8; 2],
    /// The part of `peeked` that is still to be given out.
    pending: std::ops::Range<usize>,
    taken: u64,
}

impl Read for Raw {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.pending.is_empty() {
            let pending = self.peeked.get(self.pending.clone()).unwrap_or_default();
            let count = pending.len().min(out.len());
            for (to, from) in out.iter_mut().zip(pending) {
                *to = *from;
            }
            self.pending.start += count;
            return Ok(count);
        }
        let count = self.input.read(out)?;
        self.taken += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}

/// Plain bytes, decompressed if need be.
pub(crate) enum Source {
    Plain(Raw),
    Gzip(Box<Gunzip<Raw>>),
}

impl Source {
    /// Opens the file `path`, or standard input for `-`. The length is that of a regular file.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Option<u64>)> {
        if path.as_os_str() == "-" {
            return Ok((Self::new(Box::new(io::stdin()))?, None));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let length = metadata.is_file().then_some(metadata.len());
        Ok((Self::new(Box::new(file))?, length))
    }

    /// Looks at the first bytes to see whether it is gzip.
    pub(crate) fn new(mut input: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut peeked = [0; 2];
        let mut have = 0;
        while let Some(room @ [_, ..]) = peeked.get_mut(have..) {
            match input.read(room) {
                Ok(0) => break,
                Ok(count) => have += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let taken = u64::try_from(have).unwrap_or(u64::MAX);
        let raw = Raw { input, peeked, pending: 0..have, taken };
        Ok(if have == 2 && peeked == MAGIC {
            Self::Gzip(Box::new(Gunzip::new(raw)))
        } else {
            Self::Plain(raw)
        })
    }

    /// Bytes taken from the raw input so far.
    pub(crate) fn taken(&self) -> u64 {
        match self {
            Self::Plain(raw) => raw.taken,
            Self::Gzip(gunzip) => gunzip.get_ref().taken,
        }
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(raw) => raw.read(out),
            Self::Gzip(gunzip) => gunzip.read(out),
        }
    }
}
