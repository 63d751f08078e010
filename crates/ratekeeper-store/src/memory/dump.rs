//! The counters of a memory store as bytes, so that they outlive the process.
//!
//! Per counter, numbers in little-endian order: the length of the key (u16) and the key, the tag (u64), the instant from
//! which it is idle (u64), the kernel (u8) and its state. `0xffff` ends the list. Whoever stores the bytes adds a checksum.

use std::io::{self, Write};

use ratekeeper_core::{
    Entries, Entry as Admission, Gcra, Holder, MAX_KEY, State, Stored, Tag, Timestamp, Window,
};

use super::MemoryStore;
use super::entry::Entry;

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
    let mut numbers = |kind: u8, numbers: &[u64]| {
        out.push(kind);
        numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
    };
    match &entry.stored.state {
        State::Gcra(gcra) => numbers(0, &[gcra.at, gcra.rest]),
        State::Window(window) => numbers(1, &[window.start, window.current, window.previous]),
        State::Entries(entries) => {
            let count = u64::try_from(entries.iter().count()).unwrap_or(u64::MAX);
            numbers(2, &[count]);
            for admission in entries.iter() {
                out.extend(admission.expiry.to_le_bytes());
                out.extend(admission.count.to_le_bytes());
                out.extend(admission.holder.get().to_le_bytes());
            }
        }
    }
}

fn read(key: &[u8], bytes: &mut &[u8]) -> Result<Entry, NoDump> {
    let tag = Tag::from_raw(number(bytes)?);
    let idle_at = Timestamp::from_micros(number(bytes)?);
    let [kind] = take(bytes)?;
    let state = match kind {
        0 => State::Gcra(Gcra { at: number(bytes)?, rest: number(bytes)? }),
        1 => {
            State::Window(Window { start: number(bytes)?, current: number(bytes)?, previous: number(bytes)? })
        }
        2 => State::Entries(Box::new(entries(bytes)?)),
        _ => return Err(NoDump),
    };
    Ok(Entry::restored(key, Stored { tag, state }, idle_at))
}

fn entries(bytes: &mut &[u8]) -> Result<Entries, NoDump> {
    const SIZE: usize = 32;
    let count = usize::try_from(number(bytes)?).map_err(|_| NoDump)?;
    // Before any memory is asked for: are so many there at all?
    if count > bytes.len() / SIZE {
        return Err(NoDump);
    }
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let (expiry, count) = (number(bytes)?, number(bytes)?);
        all.push(Admission { expiry, count, holder: Holder::new(u128::from_le_bytes(take(bytes)?)) });
    }
    Ok(Entries::from_parts(all))
}

fn number(bytes: &mut &[u8]) -> Result<u64, NoDump> {
    take(bytes).map(u64::from_le_bytes)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], NoDump> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(NoDump)?;
    *bytes = rest;
    Ok(*taken)
}
