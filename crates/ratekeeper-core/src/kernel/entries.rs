//! Entries: a list of (expiry, count) in the order of expiry. What has not expired counts.
//!
//! A log is holders that are never released, each with the window as its ttl. Its clock never runs back: an entry is
//! dated max(now, newest). Holders of a concurrency limit expire by the real clock.

use std::collections::VecDeque;

use super::{At, Kernel};
use crate::Limit;
use crate::algorithm::Algorithm;
use crate::time::MAX_EXACT;
use crate::token::Holder;

/// More entries than this a log never has: a charge beyond joins the newest, which expires last, so that debts
/// cannot grow memory. Takes alone stay far below, see [`MAX_LOG`](crate::MAX_LOG).
pub const MAX_ENTRIES: usize = 16_384;

/// One admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// When it stops counting, in microseconds since the epoch.
    pub expiry: u64,
    /// How much it counts.
    pub count: u64,
    /// Who holds it; of no meaning in a log.
    pub holder: Holder,
}

/// Admissions in the order of their expiry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entries {
    list: VecDeque<Entry>,
    total: u64,
}

impl Entries {
    /// Rebuilds a state from its parts, as a store reads them back.
    #[must_use]
    pub fn from_parts(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut list: VecDeque<Entry> = entries.into_iter().collect();
        list.make_contiguous().sort_by_key(|entry| entry.expiry);
        let total = list.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.count));
        Self { list, total }
    }

    /// The entries in the order of their expiry, expired ones among them until the next write.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.list.iter()
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.list.capacity() * size_of::<Entry>()
    }

    /// Whether one more entry needs more memory.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() == self.list.capacity()
    }

    /// The clock of these entries: a log's never runs behind its newest entry.
    fn clock(&self, limit: &Limit, at: At) -> u64 {
        match (limit.algorithm, self.list.back()) {
            (Algorithm::SlidingLog, Some(newest)) => {
                at.now.max(newest.expiry.saturating_sub(limit.window.get()))
            }
            _ => at.now,
        }
    }

    fn live(&self, clock: u64) -> impl Iterator<Item = &Entry> {
        self.list.iter().skip_while(move |entry| entry.expiry <= clock)
    }

    fn used(&self, limit: &Limit, at: At) -> u64 {
        let clock = self.clock(limit, at);
        let expired = self.list.iter().take_while(|entry| entry.expiry <= clock);
        self.total
            .saturating_sub(expired.fold(0, |sum: u64, entry| sum.saturating_add(entry.count)))
    }

    /// Whether `holder` holds at this instant.
    pub(crate) fn holds(&self, at: At, holder: Holder) -> bool {
        self.live(at.now).any(|entry| entry.count > 0 && entry.holder == holder)
    }

    /// The expiry of the newest entry: from then on nothing counts.
    pub(crate) fn idle_at(&self) -> u64 {
        self.list.back().map_or(0, |newest| newest.expiry)
    }

    fn drop_expired(&mut self, clock: u64) {
        while let Some(entry) = self.list.pop_front_if(|entry| entry.expiry <= clock) {
            self.total = self.total.saturating_sub(entry.count);
        }
    }

    /// Appends to a log, and says under which instant.
    pub(crate) fn append(&mut self, limit: &Limit, at: At, cost: u64) -> u64 {
        let clock = self.clock(limit, at);
        self.drop_expired(clock);
        let cost = cost.min(MAX_EXACT.saturating_sub(self.total));
        let expiry = clock.saturating_add(limit.window.get());
        let full = self.list.len() >= MAX_ENTRIES;
        match self.list.back_mut() {
            // An entry of cost 0 matters only while it is the newest: it makes way, so that free requests
            // cannot grow the log.
            Some(newest) if newest.expiry == expiry || newest.count == 0 || full => {
                newest.expiry = expiry;
                newest.count = newest.count.saturating_add(cost);
            }
            _ => self.list.push_back(Entry { expiry, count: cost, holder: Holder::default() }),
        }
        self.total = self.total.saturating_add(cost);
        clock
    }

    /// Lets `holder` hold `cost` until now + ttl; who holds already keeps its cost and lives on.
    pub(crate) fn hold(&mut self, limit: &Limit, at: At, cost: u64, holder: Holder) {
        self.drop_expired(at.now);
        let expiry = (at.now + limit.window.get()).min(MAX_EXACT);
        let renewed = self.place_of(holder).and_then(|index| self.list.remove(index));
        let count = renewed.map_or(cost, |entry| entry.count);
        if renewed.is_none() {
            self.total = self.total.saturating_add(cost);
        }
        if count == 0 {
            // Who holds nothing has a say in nothing but when the last hold ends: the latest of them stands for all, so
            // that requests that cost nothing cannot fill memory.
            if self.list.iter().any(|entry| entry.count == 0 && entry.expiry >= expiry) {
                return;
            }
            self.list.retain(|entry| entry.count > 0);
        }
        let index = self.list.partition_point(|entry| entry.expiry <= expiry);
        self.list.insert(index, Entry { expiry, count, holder });
    }

    /// Ends the hold of `holder`; nothing happens if it has none.
    pub(crate) fn release(&mut self, holder: Holder) {
        if let Some(entry) = self.place_of(holder).and_then(|index| self.list.remove(index)) {
            self.total = self.total.saturating_sub(entry.count);
        }
    }

    /// Where the hold of `holder` is. Who holds nothing is nobody in particular.
    fn place_of(&self, holder: Holder) -> Option<usize> {
        self.list.iter().position(|entry| entry.count > 0 && entry.holder == holder)
    }

    /// Takes `cost` back from the entry of a log that a receipt names.
    pub(crate) fn take_back(&mut self, limit: &Limit, cost: u64, appended: u64) {
        let expiry = appended.saturating_add(limit.window.get());
        if let Ok(index) = self.list.binary_search_by_key(&expiry, |entry| entry.expiry) {
            self.reduce(index, cost);
        }
    }

    /// Takes `cost` back from the newest entries of a log.
    pub(crate) fn credit(&mut self, cost: u64) {
        let mut left = cost;
        while left > 0
            && let Some(last) = self.list.len().checked_sub(1)
        {
            left -= self.reduce(last, left);
        }
    }

    /// Takes up to `cost` from one entry, drops it if nothing is left, and says how much it was.
    fn reduce(&mut self, index: usize, cost: u64) -> u64 {
        let Some(entry) = self.list.get_mut(index) else {
            return 0;
        };
        let taken = cost.min(entry.count);
        entry.count -= taken;
        self.total = self.total.saturating_sub(taken);
        if entry.count == 0 {
            self.list.remove(index);
        }
        taken
    }
}

impl Kernel for Entries {
    fn available(&self, limit: &Limit, at: At) -> u64 {
        limit.count.saturating_sub(self.used(limit, at))
    }

    fn fits(&self, limit: &Limit, at: At, cost: u64) -> bool {
        self.used(limit, at).saturating_add(cost) <= limit.count
    }

    fn fits_after(&self, limit: &Limit, at: At, cost: u64) -> u64 {
        let most = limit.count.saturating_sub(cost);
        let mut used = self.used(limit, at);
        for entry in self.live(self.clock(limit, at)) {
            used = used.saturating_sub(entry.count);
            if used <= most {
                return entry.expiry.saturating_sub(at.now);
            }
        }
        0
    }

    fn idle_after(&self, limit: &Limit, at: At) -> u64 {
        let clock = self.clock(limit, at);
        let newest = self.list.back().filter(|newest| newest.expiry > clock);
        newest.map_or(0, |newest| newest.expiry.saturating_sub(at.now))
    }
}
