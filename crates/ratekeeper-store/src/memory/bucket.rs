//! Two counters in one cache line, behind one lock that who only reads never takes.
//!
//! The lock is a sequence lock (Boehm, "Can seqlocks get along with programming language memory models?", 2012): a
//! bit of the header, and a version beside it that is another after everything that was written. A reader takes what it
//! sees if the header is still the same afterwards. A writer that has read so takes the lock only if the header is still
//! the same, in one exchange: nothing that it has read can have changed. The version has 26 bits: a reader would have to
//! lose its processor for exactly a multiple of 67 million writes to one bucket to be mistaken.
//!
//! | word | what |
//! |---|---|
//! | 0 | header: version 26, lock 1, passed 5, the marks of both identities 16 each |
//! | 1, 2 | names: the other 64 bits of each identity; 0 where there is no counter |
//! | 3 | tags, 32 bits each |
//! | 4, 5 | states, first word |
//! | 6, 7 | states, second word |

use super::identity::Identity;
use super::sync::{AtomicU64, Ordering, fence, wait};

/// Counters in a bucket.
pub(super) const SLOTS: usize = 2;
/// Words of a bucket: a cache line.
pub(super) const WORDS: usize = 8;

const NAMES: usize = 1;
const TAGS: usize = 3;
const FIRST: usize = 4;
const SECOND: usize = 6;

const PASSED_ONE: u64 = 1 << 32;
const PASSED: u64 = 0x1f << 32;
const LOCKED: u64 = 1 << 37;
const VERSION: u64 = 1 << 38;

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

    /// Whether counters that would have gone here are in buckets behind this one.
    #[inline]
    pub(super) fn is_passed(self) -> bool {
        self.0 & PASSED != 0
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn mark(self, slot: usize) -> u16 {
        (self.0 >> (16 * slot)) as u16
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
        let is = |slot: usize| self.word(NAMES + slot) == identity.name && header.mark(slot) == identity.mark;
        // Both are looked at in any case: which of them it is, no processor can foresee.
        let (first, second) = (is(0), is(1));
        (first | second).then_some(usize::from(second))
    }

    /// A slot without a counter.
    pub(super) fn vacant(self) -> Option<usize> {
        (0..SLOTS).find(|slot| !self.has(*slot))
    }

    pub(super) fn has(self, slot: usize) -> bool {
        self.word(NAMES + slot) != 0
    }

    /// Who the counter in `slot` is.
    pub(super) fn identity(self, header: Header, slot: usize) -> Identity {
        Identity { name: self.word(NAMES + slot), mark: header.mark(slot) }
    }

    /// The state in `slot`.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn words(self, slot: usize) -> Words {
        Words {
            tag: (self.word(TAGS) >> (32 * slot)) as u32,
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
    /// Whether counters that would have gone here are in buckets behind this one.
    pub(super) fn is_passed(&self) -> bool {
        self.header.is_passed()
    }

    /// Who the counter in `slot` is, if there is one.
    pub(super) fn identity(&self, slot: usize) -> Option<Identity> {
        self.bucket.has(slot).then(|| self.bucket.identity(self.header, slot))
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
        let others = self.bucket.word(TAGS) & !(0xffff_ffff << (32 * slot));
        self.store(TAGS, others | u64::from(words.tag) << (32 * slot));
    }

    /// Puts a counter into a vacant slot.
    pub(super) fn put(&mut self, slot: usize, identity: Identity, words: Words) {
        self.store(NAMES + slot, identity.name);
        self.rewrite(slot, words);
        let others = self.header.0 & !(0xffff << (16 * slot));
        self.header.0 = others | u64::from(identity.mark) << (16 * slot);
    }

    /// Takes the counter out of `slot`.
    pub(super) fn clear(&mut self, slot: usize) {
        self.store(NAMES + slot, 0);
    }

    /// A counter that would have gone here goes into a bucket behind this one.
    pub(super) fn pass(&mut self) {
        // More than can be counted stay so until the buckets are filled anew.
        self.header.0 += if self.header.0 & PASSED == PASSED {
            0
        } else {
            PASSED_ONE
        };
    }

    /// A counter that is behind this bucket goes.
    pub(super) fn unpass(&mut self) {
        let passed = self.header.0 & PASSED;
        self.header.0 -= if passed == PASSED || passed == 0 {
            0
        } else {
            PASSED_ONE
        };
    }

    /// Forgets who is behind.
    pub(super) fn forget_passed(&mut self) {
        self.header.0 &= !PASSED;
    }

    #[inline]
    fn store(&self, index: usize, word: u64) {
        self.bucket.0[index].store(word, Ordering::Relaxed);
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.bucket.0[0].store(self.header.0.wrapping_add(VERSION), Ordering::Release);
    }
}
