//! The table: counters by identity, found without a lock.
//!
//! It is cut into shards, and a shard into buckets, of which it uses as many as it needs. Memory comes in extents, each
//! of which has room for the next few buckets of every shard. An extent is never moved or freed before the table is: who
//! looks for a counter needs no leave to do so. The bytes of an extent are the system's zeros until somebody writes to
//! them, so that one costs address space first, and memory as its shards grow.
//!
//! Which counters a shard has is changed by one at a time, whoever holds its lock. A counter stands in the bucket that its
//! name says, or in the first one with room behind it; the buckets that it passed count it. So who looks for it goes on
//! only past buckets that somebody has passed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::bucket::{Bucket, Header, Locked, SLOTS, WORDS, Words};
use super::identity::Identity;
use super::sync::AtomicU64;

/// Bytes of a bucket.
pub(super) const BUCKET_BYTES: usize = WORDS * size_of::<u64>();
/// Extents at most: twice as many as a table needs whose keys are spread as they should be.
const EXTENTS: usize = 64;
/// Buckets of a shard in an extent are 2^3 at least: not every first counter of a shard shall touch a page of its own.
const LEAST_CHUNK: u32 = 3;

/// Where a counter is, for whoever holds the lock of its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) bucket: usize,
    pub(super) slot: usize,
}

/// A counter that was found without a lock, and the header of its bucket at that time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'t> {
    pub(super) bucket: Bucket<'t>,
    pub(super) header: Header,
    pub(super) slot: usize,
}

/// What [`Table::find`] has to say.
pub(super) enum Search<'t> {
    Found(Found<'t>),
    /// Not there, or just on its way: who must know asks under the lock of the shard.
    Absent,
    /// Somebody is writing where it would be.
    Busy,
}

pub(super) struct Table {
    extents: Box<[OnceLock<Extent>; EXTENTS]>,
    /// How many buckets each shard uses.
    sizes: Box<[AtomicU32]>,
    /// Buckets of a shard in an extent, as a power of two.
    chunk: u32,
}

struct Extent {
    words: Box<[AtomicU64]>,
    /// Words before the first that begins a pair of cache lines.
    skipped: usize,
}

impl Table {
    /// A table of so many shards, a power of two, for so many counters.
    pub(super) fn new(shards: usize, counters: usize) -> Self {
        let buckets = counters / shards / SLOTS + 1;
        let chunk = (buckets * 2 / EXTENTS + 1).next_power_of_two().ilog2();
        Self {
            extents: Box::new([const { OnceLock::new() }; EXTENTS]),
            sizes: (0..shards).map(|_| AtomicU32::new(0)).collect(),
            chunk: chunk.max(LEAST_CHUNK),
        }
    }

    /// The shard of a counter.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn shard_of(&self, identity: Identity) -> usize {
        identity.name as usize & (self.sizes.len() - 1)
    }

    /// The bucket where a counter belongs, of so many.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn home(identity: Identity, size: usize) -> usize {
        (u128::from(identity.name) * size as u128 >> 64) as usize
    }

    /// How many buckets a shard uses.
    #[inline]
    pub(super) fn size(&self, shard: usize) -> usize {
        self.sizes[shard].load(Ordering::Acquire) as usize
    }

    #[inline]
    fn bucket(&self, shard: usize, index: usize) -> Option<Bucket<'_>> {
        let extent = self.extents.get(index >> self.chunk)?.get()?;
        let chunk = 1 << self.chunk;
        let first = extent.skipped + (shard << self.chunk | index & (chunk - 1)) * WORDS;
        extent.words.get(first..)?.first_chunk().map(Bucket)
    }

    /// Looks for a counter, and takes no lock.
    #[inline]
    pub(super) fn find(&self, identity: Identity) -> Search<'_> {
        let shard = self.shard_of(identity);
        let size = self.size(shard);
        let home = Self::home(identity, size);
        let mut index = home;
        loop {
            let Some(bucket) = self.bucket(shard, index) else {
                return Search::Absent;
            };
            let Some(header) = bucket.header() else {
                return Search::Busy;
            };
            if let Some(slot) = bucket.find(header, identity) {
                return Search::Found(Found { bucket, header, slot });
            }
            index = next(index, size);
            if !header.is_passed() || index == home {
                return Search::Absent;
            }
        }
    }

    /// Where a counter is; for whoever holds the lock of its shard.
    pub(super) fn position(&self, identity: Identity) -> Option<Position> {
        let shard = self.shard_of(identity);
        let size = self.size(shard);
        let home = Self::home(identity, size);
        let mut index = home;
        loop {
            let bucket = self.bucket(shard, index)?;
            let header = bucket.occupation();
            if let Some(slot) = bucket.find(header, identity) {
                return Some(Position { bucket: index, slot });
            }
            index = next(index, size);
            if !header.is_passed() || index == home {
                return None;
            }
        }
    }

    /// Locks a bucket.
    pub(super) fn lock(&self, shard: usize, index: usize) -> Option<Locked<'_>> {
        self.bucket(shard, index).map(Bucket::lock)
    }

    /// The counter at the `number`-th place of a shard, if there is one; for whoever holds the lock of the shard.
    pub(super) fn nth(&self, shard: usize, number: usize) -> Option<(Position, Words)> {
        let (index, slot) = (number / SLOTS, number % SLOTS);
        let bucket = self.bucket(shard, index)?;
        bucket.occupation().has(slot).then(|| (Position { bucket: index, slot }, bucket.words(slot)))
    }

    /// Shows every counter of a shard; for whoever holds the lock of the shard.
    pub(super) fn for_each(&self, shard: usize, mut show: impl FnMut(Identity, Words)) {
        for index in 0..self.size(shard) {
            let Some(locked) = self.lock(shard, index) else {
                return;
            };
            let slots = (0..SLOTS).filter(|slot| locked.header().has(*slot));
            slots.for_each(|slot| show(locked.bucket.identity(slot), locked.bucket.words(slot)));
        }
    }

    /// Puts a counter into a shard that has room for it; for whoever holds the lock of the shard.
    pub(super) fn insert(&self, identity: Identity, words: Words) -> bool {
        let shard = self.shard_of(identity);
        let size = self.size(shard);
        let mut index = Self::home(identity, size);
        for _ in 0..size {
            let Some(mut bucket) = self.lock(shard, index) else {
                return false;
            };
            if let Some(slot) = bucket.header().vacant() {
                bucket.put(slot, identity, words);
                return true;
            }
            bucket.pass();
            index = next(index, size);
        }
        false
    }

    /// Takes a counter out, if `wants` still says so of its state; for whoever holds the lock of its shard.
    pub(super) fn remove(&self, shard: usize, at: Position, wants: impl FnOnce(Words) -> bool) -> Option<Words> {
        let mut bucket = self.lock(shard, at.bucket)?;
        let words = bucket.bucket.words(at.slot);
        if !wants(words) {
            return None;
        }
        let identity = bucket.bucket.identity(at.slot);
        bucket.clear(at.slot);
        drop(bucket);
        let size = self.size(shard);
        let mut index = Self::home(identity, size);
        while index != at.bucket {
            self.lock(shard, index)?.unpass();
            index = next(index, size);
        }
        Some(words)
    }

    /// Lets a shard use so many buckets, and moves its counters to where they belong then; for whoever holds the lock of
    /// the shard. Who looks for one of them waits meanwhile. Returns whether there is memory for it.
    pub(super) fn grow(&self, shard: usize, size: usize) -> bool {
        let last = (size - 1) >> self.chunk;
        if !(0..=last).all(|extent| self.has_extent(extent)) {
            return false;
        }
        let mut buckets: Vec<_> = (0..size).filter_map(|index| self.lock(shard, index)).collect();
        let mut counters = Vec::with_capacity(buckets.len() * SLOTS);
        for bucket in &mut buckets {
            let slots = (0..SLOTS).filter(|slot| bucket.header().has(*slot));
            counters.extend(slots.map(|slot| (bucket.bucket.identity(slot), bucket.bucket.words(slot))));
            bucket.clear_all();
        }
        for (identity, words) in counters {
            let mut index = Self::home(identity, size);
            while buckets[index].header().vacant().is_none() {
                buckets[index].pass();
                index = next(index, size);
            }
            if let Some(slot) = buckets[index].header().vacant() {
                buckets[index].put(slot, identity, words);
            }
        }
        // Before the locks go: who finds a bucket unlocked finds the size that it was filled for.
        self.sizes[shard].store(u32::try_from(size).unwrap_or(u32::MAX), Ordering::Release);
        true
    }

    /// Whether there is memory for a shard to grow by so many bytes.
    pub(super) fn has_room(&self, shard: usize, bytes: usize) -> bool {
        let last = (self.size(shard) + bytes / BUCKET_BYTES - 1) >> self.chunk;
        self.has_extent(last)
    }

    /// Whether there is this extent, now if not before.
    fn has_extent(&self, index: usize) -> bool {
        let Some(extent) = self.extents.get(index) else {
            return false;
        };
        if extent.get().is_some() {
            return true;
        }
        let pair = BUCKET_BYTES / size_of::<u64>();
        let words = (self.sizes.len() << self.chunk) * WORDS + pair;
        // Another shard may be as far at the same time: one of both extents is dropped, unused.
        let Ok(words) = bytemuck::allocation::try_zeroed_slice_box::<AtomicU64>(words) else {
            return extent.get().is_some();
        };
        let skipped = words.as_ptr().align_offset(BUCKET_BYTES).min(pair);
        let _ = extent.set(Extent { words, skipped });
        true
    }
}

#[inline]
fn next(index: usize, size: usize) -> usize {
    if index + 1 >= size { 0 } else { index + 1 }
}
