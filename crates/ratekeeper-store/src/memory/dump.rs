//! The counters of a memory store as bytes, so that they outlive the process.
//!
//! Numbers are in little-endian order. First come the [`SECRET`] numbers (u64) by which keys were turned into identities,
//! then the counters: a byte that says what follows, the identity (u64, u16), and
//!
//! | byte | what follows |
//! |---|---|
//! | 0 | the words of its slot: tag (u32), first and second (u64) |
//! | 1 | the tag (u64), the instant from which it is idle (u64), its state as in [`codec`] |
//! | 255 | nothing: that was the last one |
//!
//! Whoever stores the bytes adds a checksum, and lets nobody read them: who knows the secret can make keys that share a
//! counter.

use std::io::{self, Write};

use ratekeeper_core::{Stored, Tag, Timestamp};

use super::bucket::Words;
use super::identity::{Identity, SECRET};
use super::{MemoryStore, Relaxed, words, working};
use crate::codec::{self, NoState, number, take};

const IN_SLOT: u8 = 0;
const ASIDE: u8 = 1;
const END: u8 = 255;

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
        self.identities.secret().for_each(|number| bytes.extend(number.to_le_bytes()));
        for (index, shard) in self.shards.iter().enumerate() {
            let shard = shard.0.lock();
            self.table.for_each(index, |identity, words| {
                let idle_at = shard.idle_at(words);
                if idle_at <= now {
                    return;
                }
                let aside = words::place_aside(words).and_then(|place| shard.aside.get(place));
                bytes.push(if aside.is_some() { ASIDE } else { IN_SLOT });
                bytes.extend(identity.name.to_le_bytes());
                bytes.extend(identity.mark.to_le_bytes());
                match aside {
                    Some(stored) => {
                        bytes.extend(stored.tag.get().to_le_bytes());
                        bytes.extend(idle_at.as_micros().to_le_bytes());
                        codec::write_state(&stored.state, &mut bytes);
                    }
                    None => {
                        bytes.extend(words.tag.to_le_bytes());
                        bytes.extend(words.first.to_le_bytes());
                        bytes.extend(words.second.to_le_bytes());
                    }
                }
                count += 1;
            });
            drop(shard);
            out.write_all(&bytes)?;
            bytes.clear();
        }
        out.write_all(&[END])?;
        Ok(count)
    }

    /// Takes in what [`dump`](Self::dump) wrote, within the bounds of this store, and returns the bytes after it. For a store
    /// that nobody has asked yet: one that has counters already knows its keys by another secret, and leaves out those of
    /// another store.
    ///
    /// # Errors
    /// If the bytes are no dump; what came before the wrong ones is taken in.
    pub fn restore<'b>(&self, now: Timestamp, mut bytes: &'b [u8]) -> Result<(Restored, &'b [u8]), NoDump> {
        let mut secret = [0; SECRET];
        for part in &mut secret {
            *part = number(&mut bytes)?;
        }
        if self.keys.load(Relaxed) == 0 {
            self.identities.adopt(&secret);
        }
        let known = self.identities.secret().eq(secret);
        let mut done = Restored::default();
        loop {
            let [kind] = take(&mut bytes)?;
            if kind == END {
                return Ok((done, bytes));
            }
            let identity =
                Identity { name: number(&mut bytes)?, mark: u16::from_le_bytes(take(&mut bytes)?) };
            let (state, idle_at) = read(kind, &mut bytes)?;
            if idle_at <= now {
                continue;
            }
            if known && self.take_in(identity, state) {
                done.restored += 1;
            } else {
                done.left_out += 1;
            }
        }
    }

    fn take_in(&self, identity: Identity, state: Dumped) -> bool {
        let index = self.table.shard_of(identity);
        let mut shard = self.shards[index].0.lock();
        if self.table.position(identity).is_some() {
            return false;
        }
        // Live counters never make way for those of yesterday.
        let aside = if let Dumped::Aside(stored) = &state {
            working::weight(stored)
        } else {
            0
        };
        let most = shard.growth(self.table.size(index), 0) + aside;
        let fits = self.claim(most);
        if !fits || self.keys.fetch_add(1, Relaxed) >= self.config.max_keys {
            if fits {
                self.unreserve(most);
            }
            return false;
        }
        let words = match state {
            Dumped::InSlot(words) => words,
            Dumped::Aside(stored) => words::aside(shard.aside.insert(stored)),
        };
        let grown = shard.insert(&self.table, identity, words);
        self.bytes.fetch_sub(most - aside, Relaxed);
        self.bytes.fetch_add(grown, Relaxed);
        true
    }
}

enum Dumped {
    InSlot(Words),
    Aside(Stored),
}

/// The state of a counter, and the instant from which it is idle.
fn read(kind: u8, bytes: &mut &[u8]) -> Result<(Dumped, Timestamp), NoDump> {
    match kind {
        IN_SLOT => {
            let tag = u32::from_le_bytes(take(bytes)?);
            let words = Words { tag, first: number(bytes)?, second: number(bytes)? };
            let idle_at = words::idle_at(words).ok_or(NoDump)?;
            Ok((Dumped::InSlot(words), idle_at))
        }
        ASIDE => {
            let tag = Tag::from_raw(number(bytes)?);
            let idle_at = Timestamp::from_micros(number(bytes)?);
            let state = codec::read_state(bytes)?;
            Ok((Dumped::Aside(Stored { tag, state }), idle_at))
        }
        _ => Err(NoDump),
    }
}
