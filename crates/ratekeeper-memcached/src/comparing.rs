//! Every other counter: its state is read, decided over here, and written if nobody else wrote it in between.

use std::time::Duration;

use ratekeeper_core::Timestamp;
use ratekeeper_store::{Batch, Change, StoreError, WorkingCopy, codec};
use tokio::time::sleep;

use crate::client::{Reply, jitter};
use crate::command;
use crate::counter::Counter;
use crate::item::Name;

/// How often a batch is decided, at most, before others have written in between too often.
const TRIES: u32 = 5;
/// The longest pause before the second try; it doubles with each.
const PAUSE: Duration = Duration::from_millis(1);
/// The largest state; memcached holds items of 1 MB unless it was told otherwise.
pub(crate) const LARGEST_STATE: u64 = 1_000_000;
/// What an item has beside it: its name, and what the server keeps for itself.
const BESIDE_STATE: u64 = 1024;

impl<'b> Counter<'_, 'b> {
    /// Decides a batch over the state of its one key.
    pub(crate) async fn compare_and_swap(
        &self,
        batch: &mut Batch<'b>,
        copy: &mut WorkingCopy<'b>,
    ) -> Result<(), StoreError> {
        let name = self.prefix().state(self.key);
        for attempt in 0..TRIES {
            if attempt > 0 {
                sleep(jitter(PAUSE * (1 << (attempt - 1)))).await;
            }
            let now = self.now(batch);
            let (stored, cas) = match self.ask(command::get(&name)).await? {
                Reply::Value { cas: 0, .. } => return Err(self.without_cas()),
                Reply::Value { data, cas } => {
                    (Some(codec::read(&data).map_err(|_| self.foreign(&name))?), Some(cas))
                }
                Reply::Missing => (None, None),
                other => return Err(self.refused(&other)),
            };
            copy.set(0, stored);
            copy.decide(batch, now);
            let Some(change) = copy.change(0) else {
                return Ok(());
            };
            let question = self.question(&name, change, cas, now)?;
            match self.ask(question).await? {
                Reply::Done => return Ok(()),
                Reply::Missing | Reply::Conflict => {}
                other => return Err(self.refused(&other)),
            }
        }
        Err(StoreError::Contended { tries: TRIES })
    }

    /// The command that makes a change to what has the number `cas`.
    fn question(
        &self,
        name: &Name,
        change: Change<'_>,
        cas: Option<u64>,
        now: Timestamp,
    ) -> Result<Vec<u8>, StoreError> {
        match (change, cas) {
            (Change::Put(stored, limit), _) => {
                let mut value = Vec::new();
                codec::write(stored, &mut value);
                let bytes = u64::try_from(value.len()).unwrap_or(u64::MAX);
                let max_bytes = LARGEST_STATE.min(self.node.largest_item().saturating_sub(BESIDE_STATE));
                if bytes > max_bytes {
                    return Err(StoreError::TooLarge { bytes, max_bytes });
                }
                let ttl = self.lifetime(stored.idle_at(limit).since(now));
                Ok(command::set(name, &value, ttl, cas))
            }
            (Change::Delete, Some(cas)) => Ok(command::delete(name, cas)),
            // What is not there is never to be deleted.
            (Change::Delete, None) => Err(StoreError::no_verdict()),
        }
    }
}
