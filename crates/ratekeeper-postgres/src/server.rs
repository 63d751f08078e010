//! The server, over a few connections.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ratekeeper_store::StoreError;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, timeout};
use tokio_postgres::{Error, Row};

use crate::call::Call;
use crate::connection::{Connection, SILENCE, Slot};
use crate::failure::{Cause, Failure};
use crate::schema::{Migrate, identifier, migrations};
use crate::url::Location;

/// A migration may have to wait for that of another process.
const MIGRATING: Duration = Duration::from_secs(60);
const AFTER_FAILED_MIGRATION: Duration = Duration::from_secs(5);
/// So many connections may break while a caller waits for its turn.
const TRIES: u32 = 3;

/// When a migration failed, and how.
type LastFailure = Option<(Instant, Failure)>;

/// A server and how it is reached.
pub(crate) struct Server {
    location: Arc<Location>,
    slots: Vec<Arc<Slot>>,
    /// One migration at a time; and how the last one failed.
    migration: Arc<Mutex<LastFailure>>,
    decide: Arc<str>,
}

impl Server {
    pub(crate) fn new(location: Location) -> Self {
        let schema = identifier(&location.schema.name);
        Self {
            slots: (0..location.connections).map(|_| Arc::default()).collect(),
            location: Arc::new(location),
            migration: Arc::default(),
            decide: format!("SELECT * FROM {schema}.decide_1($1, $2, $3, $4, $5, $6, $7)").into(),
        }
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    pub(crate) fn connections(&self) -> u64 {
        self.slots.len() as u64
    }

    /// A connection that is there already.
    pub(crate) fn any_ready(&self) -> Option<Arc<Connection>> {
        self.slots.iter().find_map(|slot| slot.ready())
    }

    /// A connection, made if need be.
    pub(crate) async fn connection(&self, lane: u64) -> Result<Arc<Connection>, StoreError> {
        let index = usize::try_from(lane % self.connections()).unwrap_or(0);
        self.slots[index].connection(&self.location).await
    }

    /// Makes a call, after the schema has been brought up to date if need be.
    pub(crate) async fn decide(self: &Arc<Self>, lane: u64, call: &Arc<Call>) -> Result<Row, Failure> {
        match self.decide_once(lane, call).await {
            Err(failure) if failure.cause == Cause::Schema && self.location.migrate == Migrate::Auto => {}
            other => return other,
        }
        let failed = Arc::clone(&self.migration).lock_owned().await;
        if let Some((when, failure)) = &*failed
            && when.elapsed() < AFTER_FAILED_MIGRATION
        {
            return Err(failure.clone());
        }
        // Another caller may have done it while we waited.
        match self.decide_once(lane, call).await {
            Err(failure) if failure.cause == Cause::Schema => {}
            other => return other,
        }
        self.migrate(lane, failed).await?;
        self.decide_once(lane, call).await
    }

    /// Migrates, and remembers how it failed. By itself: a caller that gives up after some milliseconds must not leave it to
    /// the next to begin anew. It ends with the statement, so it does not outlive a store by more than that takes.
    async fn migrate(
        self: &Arc<Self>,
        lane: u64,
        mut failed: OwnedMutexGuard<LastFailure>,
    ) -> Result<(), Failure> {
        let server = Arc::clone(self);
        let migration = tokio::spawn(async move {
            let outcome = server.migrate_once(lane).await;
            *failed = outcome.clone().err().map(|failure| (Instant::now(), failure));
            outcome
        });
        migration.await.unwrap_or_else(|_| Err(Failure::unavailable("the runtime has ended")))
    }

    async fn decide_once(&self, lane: u64, call: &Arc<Call>) -> Result<Row, Failure> {
        let (call, statement) = (Arc::clone(call), Arc::clone(&self.decide));
        let prepare = self.location.prepare;
        let ask = async move |connection: Arc<Connection>| {
            let arguments = call.arguments();
            if prepare {
                let prepared = connection.prepared(&statement, &arguments).await?;
                let arguments = arguments.map(|(argument, _)| argument);
                return connection.client.query_one(&prepared, &arguments).await;
            }
            connection.client.query_typed_one(&statement, &arguments).await
        };
        self.run(lane, SILENCE, ask).await
    }

    async fn migrate_once(&self, lane: u64) -> Result<(), Failure> {
        let sql = migrations(&self.location.schema);
        let outcome = self
            .run(lane, MIGRATING, async move |connection: Arc<Connection>| {
                let outcome = connection.client.batch_execute(&sql).await;
                if outcome.is_err() {
                    // It is left inside of a transaction.
                    connection.give_up();
                }
                outcome
            })
            .await;
        outcome.map_err(|failure| {
            let name = &self.location.schema.name;
            let StoreError::Misconfigured { reason } = failure.error else {
                return failure;
            };
            let reason = format!(
                "the schema {name} cannot be created or brought up to date: {reason}; let its owner run what \
                 `ratekeeper migrations` prints, or name the owner as role= in the URL"
            );
            Failure { error: StoreError::Misconfigured { reason }, ..failure }
        })
    }

    /// Does something with the connection of a lane, after what was asked there before. It goes on if nobody waits for it
    /// any more, so that connections stay in step.
    pub(crate) async fn run<T, F, W>(&self, lane: u64, patience: Duration, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(Arc<Connection>) -> W + Send + 'static,
        W: Future<Output = Result<T, Error>> + Send,
    {
        let (connection, permit) = self.turn(lane).await?;
        let (sender, receiver) = oneshot::channel();
        let location = Arc::clone(&self.location);
        tokio::spawn(async move {
            let answer = match timeout(patience, work(Arc::clone(&connection))).await {
                Ok(answer) => answer.map_err(|error| Failure::of(&error, &location.schema.name)),
                Err(_) => Err(Failure::unavailable(format!("no answer within {} s", patience.as_secs()))),
            };
            if answer.as_ref().is_err_and(|failure| failure.cause == Cause::Connection) {
                connection.give_up();
            }
            drop(permit);
            _ = sender.send(answer);
        });
        receiver.await.unwrap_or_else(|_| Err(Failure::unavailable("the runtime has ended")))
    }

    /// A connection, when it is our turn to use it.
    async fn turn(&self, lane: u64) -> Result<(Arc<Connection>, OwnedSemaphorePermit), Failure> {
        for _ in 0..TRIES {
            let opened = self.connection(lane).await;
            let connection = opened.map_err(|error| Failure { cause: Cause::Statement, error })?;
            // It may be given up while we wait.
            if let Ok(permit) = Arc::clone(&connection.permits).acquire_owned().await {
                return Ok((connection, permit));
            }
        }
        Err(Failure::unavailable("one connection after another broke"))
    }
}

impl fmt::Debug for Server {
    /// Without what a URL has in secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = &self.location.server;
        f.debug_struct("Server")
            .field("hosts", &server.get_hosts())
            .field("ports", &server.get_ports())
            .field("database", &server.get_dbname())
            .field("schema", &self.location.schema.name)
            .finish_non_exhaustive()
    }
}
