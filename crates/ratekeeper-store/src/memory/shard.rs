//! A part of the table behind its own lock.

use hashbrown::HashTable;
use ratekeeper_core::Timestamp;

use super::entry::Entry;

/// How many counters one search for an idle one looks at: a constant, so that no insertion pays for the size of the
/// table.
const PROBES: usize = 16;
/// How many buckets it passes at most to find them; whether one is empty stands in a byte.
const BUCKETS: usize = 128;
/// What the smallest table takes, rounded up.
const SMALLEST: usize = 512;

/// Counters by hash; and where the last search for idle ones stopped.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) table: HashTable<Entry>,
    /// The counters that the keys of a full store share. Apart from the others: no key can name one of them, and they
    /// never make the table of keys grow.
    shared: Option<Box<HashTable<Entry>>>,
    hand: usize,
}

impl Shard {
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.table.find_bucket_index(hash, |entry| entry.key() == key)
    }

    pub(super) fn find_shared(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.shared.as_ref()?.find_bucket_index(hash, |entry| entry.key() == key)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, shared: bool, bucket: usize) -> Option<&mut Entry> {
        if shared {
            self.shared.as_mut()?.get_bucket_mut(bucket)
        } else {
            self.table.get_bucket_mut(bucket)
        }
    }

    /// The bucket of an idle counter among the next few, or of the one nearest to idle if `live` ones may go too.
    /// Buckets in `kept` stay.
    pub(super) fn find_idle(&mut self, now: Timestamp, live: bool, kept: &[usize]) -> Option<usize> {
        let buckets = self.table.num_buckets();
        let mut nearest: Option<(Timestamp, usize)> = None;
        let mut looked_at = 0;
        for _ in 0..BUCKETS.min(buckets) {
            // There are always a power of two.
            self.hand = (self.hand + 1) & (buckets - 1);
            let Some(entry) = self.table.get_bucket(self.hand) else {
                continue;
            };
            looked_at += 1;
            if looked_at > PROBES {
                break;
            }
            if kept.contains(&self.hand) {
                continue;
            }
            let idle_at = entry.idle_at();
            if idle_at <= now {
                return Some(self.hand);
            }
            if nearest.is_none_or(|(earliest, _)| idle_at < earliest) {
                nearest = Some((idle_at, self.hand));
            }
        }
        nearest.filter(|_| live).map(|(_, bucket)| bucket)
    }

    pub(super) fn remove(&mut self, bucket: usize) -> Option<Entry> {
        self.table.get_bucket_entry(bucket).ok().map(|entry| entry.remove().0)
    }

    /// How many bytes the table grows by if one more counter goes in after `pending` others, at most.
    pub(super) fn growth(&self, pending: usize) -> usize {
        if self.table.len() + pending < self.full() {
            0
        } else {
            self.table.allocation_size().max(SMALLEST)
        }
    }

    /// Puts a counter into the table of keys. It grows by no more than [`growth`](Self::growth) said: where removed
    /// counters have left their marks it is tidied instead, and there are enough of them then to be worth it.
    pub(super) fn insert(&mut self, hash: u64, entry: Entry, rehash: impl Fn(&Entry) -> u64) {
        let length = self.table.len();
        if length >= self.full() {
            self.table.reserve(self.slots() + 1 - length, &rehash);
        } else if length == self.table.capacity() {
            let mut tidy = HashTable::with_capacity(self.slots());
            for entry in self.table.drain() {
                tidy.insert_unique(rehash(&entry), entry, &rehash);
            }
            self.table = tidy;
        }
        self.table.insert_unique(hash, entry, rehash);
    }

    /// Puts a shared counter into its table, and says how many bytes that took and freed. Before the table grows, what
    /// is idle in it goes: the shared counters of limits that are no more.
    pub(super) fn insert_shared(
        &mut self,
        hash: u64,
        entry: Entry,
        now: Timestamp,
        rehash: impl Fn(&Entry) -> u64,
    ) -> (usize, usize) {
        let table = self.shared.get_or_insert_default();
        let mut freed = table.allocation_size();
        if table.len() == table.capacity() {
            table.retain(|entry| {
                let live = entry.idle_at() > now;
                freed += if live { 0 } else { entry.heap_bytes() };
                live
            });
        }
        let heap_bytes = entry.heap_bytes();
        table.insert_unique(hash, entry, rehash);
        (table.allocation_size() + heap_bytes, freed)
    }

    /// How many counters the table holds before it grows: not quite all that would go in, so that one may leave for
    /// every one that comes without a tidying each time.
    fn full(&self) -> usize {
        let slots = self.slots();
        slots.saturating_sub((slots / 16).max(1))
    }

    /// How many counters fit in the buckets that there are: seven eighths of them.
    fn slots(&self) -> usize {
        match self.table.num_buckets() {
            buckets @ 0..8 => buckets.saturating_sub(1),
            buckets => buckets / 8 * 7,
        }
    }
}
