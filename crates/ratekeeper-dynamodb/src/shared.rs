//! What every decision uses.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ratekeeper_store::StoreError;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::guesses::Guesses;
use crate::item::Version;

/// The way to the table, and what is known of it.
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) guesses: Guesses,
    hasher: RandomState,
    versions: AtomicU64,
}

impl Shared {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            guesses: Guesses::new(),
            hasher: RandomState::new(),
            versions: AtomicU64::new(0),
        }
    }

    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// A version that nobody has written yet: its halves are this process' and of this process only.
    pub(crate) fn next_version(&self) -> Version {
        let count = self.versions.fetch_add(1, Ordering::Relaxed);
        let mut version = Version::default();
        version[..8].copy_from_slice(&self.hasher.hash_one("versions").to_le_bytes());
        version[8..].copy_from_slice(&count.to_le_bytes());
        version
    }

    /// Waits before another try, for a time that others do not wait too. The first two are not a sign of contention.
    pub(crate) async fn pause(&self, tries: u32) {
        if tries >= 2 {
            let longest = Duration::from_millis(1 << tries);
            let drawn = self.hasher.hash_one(self.versions.fetch_add(1, Ordering::Relaxed)) % 1024;
            tokio::time::sleep(longest * u32::try_from(drawn).unwrap_or_default() / 1024).await;
        }
    }

    pub(crate) fn answer<T>(&self, answer: Result<T, Failure>) -> Result<T, StoreError> {
        answer.map_err(|failure| failure.into_error(self.connection.address()))
    }
}
