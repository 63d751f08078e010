//! The counters of memory stores, kept over a restart of the process.

use std::io::{self, Read, Write};

use ratekeeper_store::{MemoryConfig, MemoryStore};

use crate::Engine;

/// What a dump begins with: its name and version.
const MAGIC: &[u8; 8] = b"RKDUMP02";
/// Bytes of the checksum at its end.
const CHECKSUM: usize = 32;
/// How the limiter that stands in for failing stores is called in a dump; no store of a policy has this name.
const LOCAL: &str = "";

/// Counters could not be restored; those of the engine are as before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The input cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The input is no dump of this version, or was cut off or changed.
    #[error("this is no whole dump of this version")]
    NotWhole,
}

impl Engine {
    /// Writes the counters of all memory stores, by name, and returns how many there are. Requests may go on meanwhile;
    /// what they take afterwards is not in it.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn dump(&self, out: &mut impl Write) -> io::Result<u64> {
        let mut out = Hashing { out, hasher: blake3::Hasher::new() };
        out.write_all(MAGIC)?;
        let (now, mut count) = (self.now(), 0);
        let current = self.current.load_full();
        let stores = current.stores.iter().filter_map(|(name, store)| Some((name.as_str(), store.memory()?)));
        for (name, store) in stores.chain([(LOCAL, &*self.local)]) {
            // Names of a policy are short.
            let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
            out.write_all(&[length])?;
            out.write_all(&name.as_bytes()[..usize::from(length)])?;
            count += store.dump(now, &mut out)?;
        }
        let checksum = out.hasher.finalize();
        out.out.write_all(checksum.as_bytes())?;
        Ok(count)
    }

    /// Takes in what [`dump`](Self::dump) wrote, and returns how many counters there were. Those of stores that the policy
    /// does not have, and those that have become idle, are left out.
    ///
    /// # Errors
    /// If the input is no whole dump: then nothing is taken in.
    pub fn restore(&self, input: &mut impl Read) -> Result<u64, RestoreError> {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        let end = bytes.len().checked_sub(CHECKSUM).ok_or(RestoreError::NotWhole)?;
        let (content, checksum) = bytes.split_at(end);
        if blake3::hash(content).as_bytes() != checksum {
            return Err(RestoreError::NotWhole);
        }
        let mut rest = content.strip_prefix(MAGIC).ok_or(RestoreError::NotWhole)?;
        let (now, mut count) = (self.now(), 0);
        let current = self.current.load_full();
        // What belongs to no store here is read past.
        let nowhere = MemoryStore::new(MemoryConfig { max_keys: 0, ..MemoryConfig::default() });
        while let Some((length, after)) = rest.split_first() {
            let (name, counters) =
                after.split_at_checked(usize::from(*length)).ok_or(RestoreError::NotWhole)?;
            let named = std::str::from_utf8(name).ok().and_then(|name| current.stores.get(name));
            let store = match named {
                _ if name == LOCAL.as_bytes() => Some(&*self.local),
                Some(store) => store.memory(),
                None => None,
            };
            let taken = store.unwrap_or(&nowhere).restore(now, counters);
            let (restored, after) = taken.map_err(|_| RestoreError::NotWhole)?;
            count += restored.restored;
            rest = after;
        }
        Ok(count)
    }
}

/// Writes, and hashes what it writes.
struct Hashing<'w, W> {
    out: &'w mut W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
