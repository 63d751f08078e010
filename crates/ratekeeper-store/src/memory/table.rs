//! The table: counters by identity, found without a lock.
//!
//! It is cut into shards, and a shard into buckets, of which it uses as many as it needs. Address space for all that the
//! table may ever hold is there from the first counter on, and nothing in it is ever moved or freed before the table is: who looks
//! for a counter needs no leave to do so. Memory is another matter: the system gives it, as zeros, where somebody writes
//! first. So the first buckets of all shards lie together, then the next ones.
//!
//! Which counters a shard has is changed by one at a time, whoever holds its lock. A counter stands in the bucket that its
//! name says, or in the first one with room behind it; the buckets that it passed count it. So who looks for it goes on
//! only past buckets that somebody has passed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::bucket::{Bucket, Header, Locked, SLOTS, WORDS, Words};
use super::identity::Identity;
use super::shard::full_at;
use super::sync::AtomicU64;

/// Bytes of a bucket.
pub(super) const BUCKET_BYTES: usize = WORDS * size_of::<u64>();
/// Buckets of a shard that lie beside each other, as a power of two: the next one is often needed, too.
const CHUNK: u32 = 3;

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
    /// A store that counts nothing takes none.
    space: OnceLock<Space>,
    /// How many buckets each shard uses.
    sizes: Box<[AtomicU32]>,
    /// Chunks of a shard, at most.
    chunks: usize,
    /// By how many bits a chunk is further than the one before it.
    stride: u32,
}

/// Address space for all buckets.
struct Space {
    words: Box<[AtomicU64]>,
    /// Words before the first that begins a cache line.
    skipped: usize,
    /// Buckets that a shard can use.
    most: usize,
}

impl Table {
    /// A table of so many shards, a power of two, for so many counters, within so many bytes. It may hold less than that, if
    /// there is no address space for so many.
    pub(super) fn new(shards: usize, counters: usize, bytes: usize) -> Self {
        let counters = counters / shards + 1;
        // Some shards have more than others: by chance, but hardly ever by six standard deviations.
        let counters = counters.saturating_add(6 * counters.isqrt()).saturating_add(SLOTS);
        let within = bytes / BUCKET_BYTES / shards;
        Self {
            space: OnceLock::new(),
            sizes: (0..shards).map(|_| AtomicU32::new(0)).collect(),
            chunks: (full_at(counters).min(within.max(1)) >> CHUNK) + 1,
            stride: shards.ilog2() + CHUNK,
        }
    }

    /// How many buckets a shard can use.
    fn most(&self) -> usize {
        self.space.get_or_init(|| Space::reserve(self.sizes.len() << CHUNK, self.chunks)).most
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
        ((u128::from(identity.name) * size as u128) >> 64) as usize
    }

    /// How many buckets a shard uses.
    #[inline]
    pub(super) fn size(&self, shard: usize) -> usize {
        self.sizes[shard].load(Ordering::Acquire) as usize
    }

    #[inline]
    fn bucket(&self, shard: usize, index: usize) -> Option<Bucket<'_>> {
        let in_chunk = index & ((1 << CHUNK) - 1);
        let bucket = (index >> CHUNK << self.stride) | shard << CHUNK | in_chunk;
        let space = self.space.get()?;
        space.words.get(space.skipped + bucket * WORDS..)?.first_chunk().map(Bucket)
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
        bucket.has(slot).then(|| (Position { bucket: index, slot }, bucket.words(slot)))
    }

    /// Shows every counter of a shard; for whoever holds the lock of the shard.
    pub(super) fn for_each(&self, shard: usize, mut show: impl FnMut(Identity, Words)) {
        for index in 0..self.size(shard) {
            let Some(locked) = self.lock(shard, index) else {
                return;
            };
            for slot in 0..SLOTS {
                if let Some(identity) = locked.identity(slot) {
                    show(identity, locked.bucket.words(slot));
                }
            }
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
            if let Some(slot) = bucket.bucket.vacant() {
                bucket.put(slot, identity, words);
                return true;
            }
            bucket.pass();
            index = next(index, size);
        }
        false
    }

    /// Takes a counter out, if `wants` still says so of its state; for whoever holds the lock of its shard. Counters that had
    /// passed its bucket may stand elsewhere after that.
    pub(super) fn remove(
        &self,
        shard: usize,
        at: Position,
        wants: impl FnOnce(Words) -> bool,
    ) -> Option<Words> {
        let mut bucket = self.lock(shard, at.bucket)?;
        let words = bucket.bucket.words(at.slot);
        if !wants(words) {
            return None;
        }
        let identity = bucket.identity(at.slot)?;
        bucket.clear(at.slot);
        let size = self.size(shard);
        let mut index = Self::home(identity, size);
        while index != at.bucket {
            self.lock(shard, index)?.unpass();
            index = next(index, size);
        }
        self.close_gap(shard, size, at, bucket);
        Some(words)
    }

    /// Moves a counter that has passed a bucket back into its vacant slot, and so on: else, where counters come and go, the
    /// ways to them would become longer and longer.
    fn close_gap<'t>(&'t self, shard: usize, size: usize, mut gap: Position, mut bucket: Locked<'t>) {
        while bucket.is_passed() {
            let mut index = next(gap.bucket, size);
            let (slot, identity, mut from) = loop {
                if index == gap.bucket {
                    // Nobody has: they had been more than could be counted.
                    bucket.forget_passed();
                    return;
                }
                let Some(from) = self.lock(shard, index) else {
                    return;
                };
                let passed = |identity: Identity| {
                    let home = Self::home(identity, size);
                    distance(home, index, size) >= distance(gap.bucket, index, size)
                };
                let of = |slot| from.identity(slot).filter(|identity| passed(*identity));
                if let Some((slot, identity)) = (0..SLOTS).find_map(|slot| Some((slot, of(slot)?))) {
                    break (slot, identity, from);
                }
                index = next(index, size);
            };
            bucket.put(gap.slot, identity, from.bucket.words(slot));
            from.clear(slot);
            bucket.unpass();
            let mut between = next(gap.bucket, size);
            while between != index {
                if let Some(mut passed) = self.lock(shard, between) {
                    passed.unpass();
                }
                between = next(between, size);
            }
            (gap, bucket) = (Position { bucket: index, slot }, from);
        }
    }

    /// Lets a shard use so many buckets, and moves its counters to where they belong then; for whoever holds the lock of
    /// the shard. Who looks for one of them waits meanwhile. Returns whether there is room for it.
    pub(super) fn grow(&self, shard: usize, size: usize) -> bool {
        if size > self.most() {
            return false;
        }
        let mut buckets: Vec<_> = (0..size).filter_map(|index| self.lock(shard, index)).collect();
        let mut counters = Vec::with_capacity(buckets.len() * SLOTS);
        for bucket in &mut buckets {
            for slot in 0..SLOTS {
                if let Some(identity) = bucket.identity(slot) {
                    counters.push((identity, bucket.bucket.words(slot)));
                    bucket.clear(slot);
                }
            }
            bucket.forget_passed();
        }
        for (identity, words) in counters {
            let mut index = Self::home(identity, size);
            while buckets[index].bucket.vacant().is_none() {
                buckets[index].pass();
                index = next(index, size);
            }
            if let Some(slot) = buckets[index].bucket.vacant() {
                buckets[index].put(slot, identity, words);
            }
        }
        // Before the locks go: who finds a bucket unlocked finds the size that it was filled for.
        self.sizes[shard].store(u32::try_from(size).unwrap_or(u32::MAX), Ordering::Release);
        true
    }

    /// Whether a shard can grow by so many bytes.
    pub(super) fn has_room(&self, shard: usize, bytes: usize) -> bool {
        self.size(shard) + bytes / BUCKET_BYTES <= self.most()
    }
}

impl Space {
    /// For so many chunks of so many buckets, or for as many as there is any for.
    fn reserve(chunk: usize, mut chunks: usize) -> Self {
        loop {
            let words = chunk.saturating_mul(chunks).saturating_add(1).saturating_mul(WORDS);
            let reserved = match bytemuck::allocation::try_zeroed_slice_box(words) {
                Err(()) if chunks > 0 => {
                    chunks /= 2;
                    continue;
                }
                reserved => reserved,
            };
            let words: Box<[AtomicU64]> = reserved.unwrap_or_default();
            let skipped = words.as_ptr().align_offset(BUCKET_BYTES).min(WORDS);
            return Self { words, skipped, most: chunks << CHUNK };
        }
    }
}

#[inline]
fn next(index: usize, size: usize) -> usize {
    if index + 1 >= size { 0 } else { index + 1 }
}

/// How many buckets one is behind another, in their circle.
fn distance(from: usize, to: usize, size: usize) -> usize {
    if to >= from { to - from } else { to + size - from }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A shard as full as it may be, in which counters come and go: every one is found, and the buckets count exactly
    /// those who have passed them.
    #[test]
    fn counters_come_and_go_and_leave_no_trace() {
        let table = Table::new(1, 60, usize::MAX);
        assert!(table.grow(0, 40));
        let mut random = 1_u64;
        let mut next_random = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random ^ random >> 29
        };
        let mut model: HashMap<u64, u64> = HashMap::new();
        for round in 0..20_000 {
            if model.len() >= 60 {
                let name = *model.keys().nth(next_random() as usize % model.len()).unwrap();
                let position = table.position(Identity { name, mark: name as u16 }).unwrap();
                let words = table.remove(0, position, |_| true).unwrap();
                assert_eq!(Some(words.second), model.remove(&name));
            } else {
                let name = next_random() | 1;
                let words = Words { tag: 1, first: 2, second: round };
                assert!(table.insert(Identity { name, mark: name as u16 }, words));
                model.insert(name, round);
            }
            if round % 100 == 0 {
                check(&table, &model);
            }
        }
        assert!(table.grow(0, 50));
        check(&table, &model);
    }

    fn check(table: &Table, model: &HashMap<u64, u64>) {
        let size = table.size(0);
        let mut passed = vec![0; size];
        for (name, second) in model {
            let identity = Identity { name: *name, mark: *name as u16 };
            let position = table.position(identity).unwrap();
            let Search::Found(found) = table.find(identity) else {
                panic!("{name} is lost")
            };
            assert_eq!(found.bucket.words(found.slot), Words { tag: 1, first: 2, second: *second });
            let mut index = Table::home(identity, size);
            while index != position.bucket {
                passed[index] += 1;
                index = next(index, size);
            }
        }
        for (index, passed) in passed.into_iter().enumerate() {
            assert_eq!(table.lock(0, index).unwrap().is_passed(), passed > 0, "bucket {index} of {size}");
        }
        let mut count = 0;
        table.for_each(0, |identity, words| {
            assert_eq!(model.get(&identity.name), Some(&words.second));
            count += 1;
        });
        assert_eq!(count, model.len());
    }
}
