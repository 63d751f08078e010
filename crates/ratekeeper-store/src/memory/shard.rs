//! A part of the table behind its own lock.

use hashbrown::HashTable;
use ratekeeper_core::Timestamp;

use super::entry::Entry;

/// How many buckets one search for an idle counter looks at: a constant, so that no insertion pays for the size of
/// the table.
const PROBES: usize = 16;

/// Counters by hash; and where the last search for idle ones stopped.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) table: HashTable<Entry>,
    hand: usize,
}

impl Shard {
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.table.find_bucket_index(hash, |entry| entry.key() == key)
    }

    /// The bucket of an idle counter among the next few, or of the one nearest to idle if `live` ones may go too.
    /// Buckets in `kept` stay.
    pub(super) fn find_idle(&mut self, now: Timestamp, live: bool, kept: &[usize]) -> Option<usize> {
        let buckets = self.table.num_buckets();
        let mut nearest: Option<(Timestamp, usize)> = None;
        for _ in 0..PROBES.min(buckets) {
            self.hand = (self.hand + 1) % buckets;
            let Some(entry) = self.table.get_bucket(self.hand) else {
                continue;
            };
            if kept.contains(&self.hand) || entry.is_shared() {
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
}
