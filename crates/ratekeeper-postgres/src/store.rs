//! The store.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use ratekeeper_core::{Key, Timestamp};
use ratekeeper_store::{
    Answer, Batch, BoxFuture, Capabilities, Clock as _, ClockSource, Examination, Overflow, Store,
    StoreError, SystemClock, WorkingCopy,
};
use tokio::task::JoinHandle;

use crate::call::{Call, Outcome};
use crate::failure::{Cause, Failure};
use crate::server::Server;
use crate::url::Location;
use crate::{examine, sweep};

/// So often a call is made again whose batch could not be decided in the first.
const TRIES: u32 = 8;
/// So often if others are in the way.
const CONTENDED_TRIES: u32 = 3;

/// Counters in PostgreSQL: a batch is one call of a function.
pub struct PostgresStore {
    server: Arc<Server>,
    clock: SystemClock,
    sweep: JoinHandle<()>,
}

impl PostgresStore {
    /// A store in the database that `url` names, with the parameters that stand in the documentation of this crate. Reads
    /// files of certificates; connects on first use. To be called inside a runtime of tokio.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`] if the URL is wrong.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let server = Arc::new(Server::new(Location::parse(url)?));
        let sweep = tokio::spawn(sweep::run(Arc::clone(&server)));
        Ok(Self { server, clock: SystemClock::new(), sweep })
    }

    /// Deletes what has been idle for a minute, in small steps, and says how many rows it was; `None` if another process
    /// is about it. It happens by itself too.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn sweep(&self) -> Result<Option<u64>, StoreError> {
        sweep::through(&self.server, Duration::ZERO).await
    }

    async fn decide(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let mut copy = WorkingCopy::of(batch)?;
        let Some(first) = copy.keys().next() else {
            copy.decide(batch, Timestamp::EPOCH);
            return Ok(());
        };
        let lane = self.lane(first);
        let mut call = Arc::new(Call::of(batch, &copy, batch.now.unwrap_or_else(|| self.clock.now())));
        let mut contended = 0;
        for _ in 0..TRIES {
            match self.server.decide(lane, &call).await {
                Ok(row) => match call.read(&row, batch, &mut copy)? {
                    Outcome::Decided => return Ok(()),
                    Outcome::Elsewhere(now) => call = Arc::new(Call::of(batch, &copy, now)),
                },
                Err(Failure { cause: Cause::Again, .. }) => {
                    contended += 1;
                    if contended == CONTENDED_TRIES {
                        return Err(StoreError::Contended { tries: contended });
                    }
                    let mut again = Call::of(batch, &copy, batch.now.unwrap_or_else(|| self.clock.now()));
                    again.lock_all();
                    call = Arc::new(again);
                }
                Err(Failure { error, .. }) => return Err(error),
            }
        }
        Err(StoreError::Contended { tries: TRIES })
    }
}

impl Store for PostgresStore {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        Answer::Later(Box::pin(self.decide(batch)))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "postgres",
            atomic_units: true,
            exact: true,
            survives_restart: false,
            survives_failover: false,
            clock: ClockSource::Server,
            injectable_clock: true,
            largest_state: None,
            trips: 1,
            overflow: Overflow::Unbounded,
        }
    }

    /// One lane for each connection.
    fn lane(&self, key: Key<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        key.bytes().hash(&mut hasher);
        hasher.finish() % self.server.connections()
    }

    fn examine(&self) -> BoxFuture<'_, Result<Examination, StoreError>> {
        Box::pin(examine::examine(&self.server))
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.sweep.abort();
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("server", &self.server).finish_non_exhaustive()
    }
}
