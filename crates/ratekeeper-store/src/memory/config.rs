//! How much memory a store may use, and what happens beyond.

use crate::Overflow;

/// Bounds of a [`MemoryStore`](crate::MemoryStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryConfig {
    /// Counters at most, beside the shared ones of [`Overflow::Share`]. Default 1,000,000.
    pub max_keys: usize,
    /// Bytes at most, for the table, logs and holders, and windows of more than 16 million; beside the shared counters of [`Overflow::Share`], of
    /// which a limit has at most 2 MiB. Default 1 GiB.
    pub max_bytes: usize,
    /// What happens to new keys when it is full of counters that are not idle. This store is always bounded:
    /// [`Overflow::Unbounded`] means the default.
    pub overflow: Overflow,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { max_keys: 1_000_000, max_bytes: 1 << 30, overflow: Overflow::default() }
    }
}

/// What a [`MemoryStore`](crate::MemoryStore) holds and has had to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// Counters, the shared ones not among them.
    pub keys: usize,
    /// Bytes of the table, logs, holders and large windows.
    pub bytes: usize,
    /// Idle counters that made way for new keys. Nobody notices.
    pub evicted_idle: u64,
    /// Live counters that made way for new keys: only under [`Overflow::Evict`].
    pub evicted_live: u64,
    /// Checks of new keys that were counted in shared counters: only under [`Overflow::Share`].
    pub shared: u64,
    /// Checks of new keys that were refused unseen: only under [`Overflow::Deny`], or where
    /// [`Overflow::Evict`] finds none that could make way.
    pub refused: u64,
}
