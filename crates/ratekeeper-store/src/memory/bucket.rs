//! Four counters in two cache lines, behind one lock that who only reads never takes.
//!
//! The lock is a sequence lock (Boehm, "Can seqlocks get along with programming language memory models?", 2012): a
//! bit of the header, and a version beside it that is another after everything that was written. A reader takes what it
//! sees if the header is still the same afterwards. A writer that has read so takes the lock only if the header is still
//! the same, in one exchange: nothing that it has read can have changed. The version has 32 bits: a reader would have to
//! lose its processor for exactly a multiple of 2^32 writes to one bucket to be mistaken.
//!
//! | word | what |
//! |---|---|
//! | 0 | header: version 32, lock 1, occupied 4, passed 16 |
//! | 1–4 | names: the first 64 bits of each identity |
//! | 5–6 | tags, 32 bits each |
//! | 7 | marks: the last 16 bits of each identity |
//! | 8–11 | states, first word |
//! | 12–15 | states, second word |

use super::identity::Identity;
use super::sync::{AtomicU64, Ordering, fence, wait};

/// Counters in a bucket.
pub(super) const SLOTS: usize = 4;
/// Words of a bucket: two cache lines.
pub(super) const WORDS: usize = 16;

const NAMES: usize = 1;
const TAGS: usize = 5;
const MARKS: usize = 7;
const FIRST: usize = 8;
const SECOND: usize = 12;

const LOCKED: u64 = 1 << 31;
const VERSION: u64 = 1 << 32;
const OCCUPIED: u32 = 16;
const PASSED: u64 = 0xffff;

/// The state of one counter as its slot holds it; what the words mean is said in [`words`](super::words).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) tag: u32,
    pub(super) first: u64,
    pub(super) second: u64,
}

/// The first word of a bucket, as somebody has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header(u64);

impl Header {
    #[inline]
    fn is_locked(self) -> bool {
        self.0 & LOCKED != 0
    }

    /// Which slots hold a counter, one bit each.
    #[inline]
    fn occupied(self) -> u64 {
        self.0 >> OCCUPIED & 0xf
    }

    pub(super) fn has(self, slot: usize) -> bool {
        self.occupied() >> slot & 1 != 0
    }

    /// A slot without a counter.
    pub(super) fn vacant(self) -> Option<usize> {
        let slot = self.occupied().trailing_ones() as usize;
        (slot < SLOTS).then_some(slot)
    }

    /// Whether counters that would have gone here are in buckets behind this one.
    #[inline]
    pub(super) fn is_passed(self) -> bool {
        self.0 & PASSED != 0
    }
}

/// A bucket of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket<'t>(pub(super) &'t [AtomicU64; WORDS]);

impl PartialEq for Bucket<'_> {
    /// Whether it is the same one.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl<'t> Bucket<'t> {
    /// The header; `None` while somebody writes.
    #[inline]
    pub(super) fn header(self) -> Option<Header> {
        let header = Header(self.0[0].load(Ordering::Acquire));
        (!header.is_locked()).then_some(header)
    }

    /// The header, be it locked: for who alone may change which counters are here, and asks only for that.
    pub(super) fn occupation(self) -> Header {
        Header(self.0[0].load(Ordering::Acquire))
    }

    /// The slot of a counter.
    #[inline]
    pub(super) fn find(self, header: Header, identity: Identity) -> Option<usize> {
        let same = |slot: usize| u64::from(self.word(NAMES + slot) == identity.name) << slot;
        let mut candidates = (same(0) | same(1) | same(2) | same(3)) & header.occupied();
        while candidates != 0 {
            let slot = candidates.trailing_zeros() as usize % SLOTS;
            if self.mark(slot) == identity.mark {
                return Some(slot);
            }
            candidates &= candidates - 1;
        }
        None
    }

    /// Who the counter in `slot` is.
    pub(super) fn identity(self, slot: usize) -> Identity {
        Identity { name: self.word(NAMES + slot), mark: self.mark(slot) }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn mark(self, slot: usize) -> u16 {
        (self.word(MARKS) >> (16 * slot)) as u16
    }

    /// The state in `slot`.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn words(self, slot: usize) -> Words {
        Words {
            tag: (self.word(TAGS + slot / 2) >> (32 * (slot % 2))) as u32,
            first: self.word(FIRST + slot),
            second: self.word(SECOND + slot),
        }
    }

    #[inline]
    fn word(self, index: usize) -> u64 {
        self.0[index].load(Ordering::Relaxed)
    }

    /// Whether nothing has been written since `header` was seen: whether what was read is true.
    #[inline]
    pub(super) fn is_still(self, header: Header) -> bool {
        fence(Ordering::Acquire);
        self.0[0].load(Ordering::Relaxed) == header.0
    }

    /// The lock, if nothing has been written since `header` was seen.
    #[inline]
    pub(super) fn try_lock(self, header: Header) -> Option<Locked<'t>> {
        let locked = header.0 | LOCKED;
        self.0[0].compare_exchange(header.0, locked, Ordering::Acquire, Ordering::Relaxed).ok()?;
        // Who sees anything that is written from here on sees the lock, too.
        fence(Ordering::Release);
        Some(Locked { bucket: self, header })
    }

    /// The lock; waits for it.
    pub(super) fn lock(self) -> Locked<'t> {
        let mut tries = 0;
        loop {
            if let Some(locked) = self.header().and_then(|header| self.try_lock(header)) {
                return locked;
            }
            wait(tries);
            tries += 1;
        }
    }
}

/// The lock of a bucket; dropping it makes what was written seen.
#[derive(Debug)]
pub(super) struct Locked<'t> {
    pub(super) bucket: Bucket<'t>,
    header: Header,
}

impl Locked<'_> {
    /// Which slots are taken.
    pub(super) fn header(&self) -> Header {
        self.header
    }

    /// Writes the state of a counter that is here and stays.
    #[inline]
    pub(super) fn write(&mut self, slot: usize, words: Words) {
        self.store(FIRST + slot, words.first);
        self.store(SECOND + slot, words.second);
    }

    /// Writes the state and the tag of a counter that is here.
    pub(super) fn rewrite(&mut self, slot: usize, words: Words) {
        self.write(slot, words);
        self.store_part(TAGS + slot / 2, 32 * (slot % 2), 32, words.tag.into());
    }

    /// Puts a counter into a vacant slot.
    pub(super) fn put(&mut self, slot: usize, identity: Identity, words: Words) {
        self.store(NAMES + slot, identity.name);
        self.store_part(MARKS, 16 * slot, 16, identity.mark.into());
        self.rewrite(slot, words);
        self.header.0 |= 1 << (OCCUPIED as usize + slot);
    }

    /// Takes the counter out of `slot`.
    pub(super) fn clear(&mut self, slot: usize) {
        self.header.0 &= !(1 << (OCCUPIED as usize + slot));
    }

    /// Takes everything out, and forgets who is behind.
    pub(super) fn clear_all(&mut self) {
        self.header.0 &= !(0xf << OCCUPIED | PASSED);
    }

    /// A counter that would have gone here goes into a bucket behind this one.
    pub(super) fn pass(&mut self) {
        // So many that it could overflow never stand behind one bucket of a part of the table; if they did, it stays.
        self.header.0 += u64::from(self.header.0 & PASSED != PASSED);
    }

    /// A counter that is behind this bucket goes.
    pub(super) fn unpass(&mut self) {
        let passed = self.header.0 & PASSED;
        self.header.0 -= u64::from(passed != PASSED && passed != 0);
    }

    #[inline]
    fn store(&self, index: usize, word: u64) {
        self.bucket.0[index].store(word, Ordering::Relaxed);
    }

    fn store_part(&self, index: usize, shift: usize, bits: u32, part: u64) {
        let mask = ((1 << bits) - 1) << shift;
        self.store(index, self.bucket.word(index) & !mask | part << shift);
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.bucket.0[0].store(self.header.0.wrapping_add(VERSION), Ordering::Release);
    }
}
