//! The counters of a memory store as bytes, so that they outlive the process.
//!
//! Per counter, numbers in little-endian order: the length of the key (u16) and the key, the tag (u64), the instant from
//! which it is idle (u64), and its state as in [`codec`]. `0xffff` ends the list. Whoever stores the bytes adds a checksum.

use std::io::{self, Write};

use ratekeeper_core::{MAX_KEY, Stored, Tag, Timestamp};

use super::MemoryStore;
use super::entry::Entry;
use crate::codec::{self, NoState, number, take};

/// Where a length of a key would stand, at the end of the list.
const END: u16 = u16::MAX;

/// What became of dumped counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Counters that are as they were.
    pub restored: u64,
    /// Counters that the store has no room for: they begin anew.
    pub left_out: u64,
}

/// Bytes that are no dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no dump of counters, or one of another version")]
pub struct NoDump;

impl From<NoState> for NoDump {
    fn from(_: NoState) -> Self {
        Self
    }
}

impl MemoryStore {
    /// Writes every counter that is not idle at `now`, a part of the table at a time, while others go on deciding. What
    /// keys of a full store share is left out: its places are of this process.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn dump(&self, now: Timestamp, out: &mut impl Write) -> io::Result<u64> {
        let (mut bytes, mut count) = (Vec::new(), 0);
        for shard in &self.shards {
            bytes.clear();
            let shard = shard.0.lock();
            for entry in shard.table.iter().filter(|entry| entry.idle_at() > now) {
                write(entry, &mut bytes);
                count += 1;
            }
            drop(shard);
            out.write_all(&bytes)?;
        }
        out.write_all(&END.to_le_bytes())?;
        Ok(count)
    }

    /// Takes in what [`dump`](Self::dump) wrote, within the bounds of this store, and returns the bytes after it. Counters
    /// that the store has already stay as they are.
    ///
    /// # Errors
    /// If the bytes are no dump; what came before the wrong ones is taken in.
    pub fn restore<'b>(&self, now: Timestamp, mut bytes: &'b [u8]) -> Result<(Restored, &'b [u8]), NoDump> {
        let mut done = Restored::default();
        loop {
            let length = u16::from_le_bytes(take(&mut bytes)?);
            if length == END {
                return Ok((done, bytes));
            }
            let length = usize::from(length);
            if length > MAX_KEY || length > bytes.len() {
                return Err(NoDump);
            }
            let (key, rest) = bytes.split_at(length);
            bytes = rest;
            let entry = read(key, &mut bytes)?;
            if entry.idle_at() <= now {
                continue;
            }
            if self.take_in(entry) {
                done.restored += 1;
            } else {
                done.left_out += 1;
            }
        }
    }

    fn take_in(&self, entry: Entry) -> bool {
        let hash = self.hash(entry.key());
        let index = self.shard_index(hash);
        let mut shard = self.shards[index].0.lock();
        if shard.find(hash, entry.key()).is_some() {
            return false;
        }
        // Live counters never make way for those of yesterday.
        let most = shard.growth(0) + entry.heap_bytes();
        let fits = self.claim(most);
        if !fits || self.keys.fetch_add(1, super::Relaxed) >= self.config.max_keys {
            if fits {
                self.unreserve(most);
            }
            return false;
        }
        self.insert(&mut shard, hash, entry, most);
        true
    }
}

fn write(entry: &Entry, out: &mut Vec<u8>) {
    let key = entry.key();
    out.extend(u16::try_from(key.len()).unwrap_or(END).to_le_bytes());
    out.extend(key);
    out.extend(entry.stored.tag.get().to_le_bytes());
    out.extend(entry.idle_at().as_micros().to_le_bytes());
    codec::write_state(&entry.stored.state, out);
}

fn read(key: &[u8], bytes: &mut &[u8]) -> Result<Entry, NoDump> {
    let tag = Tag::from_raw(number(bytes)?);
    let idle_at = Timestamp::from_micros(number(bytes)?);
    let state = codec::read_state(bytes)?;
    Ok(Entry::restored(key, Stored { tag, state }, idle_at))
}
