//! A connection that comes back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use ratekeeper_store::StoreError;
use tokio::sync::{Notify, OnceCell, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

use crate::failure::Failure;
use crate::url::Location;

/// How many calls are under way on one connection; more wait. Also those that nobody waits for any more count until they
/// are answered, so that a server that is silent does not fill our memory.
const UNDER_WAY: usize = 16;
/// A server that has not let us in for so long is given up.
const CONNECTING: Duration = Duration::from_secs(5);
/// A server that has not answered for so long is given up.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);
/// How long to wait after the first failure, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A session.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) permits: Arc<Semaphore>,
    broken: AtomicBool,
    prepared: OnceCell<Statement>,
}

impl Connection {
    /// The statement that all calls make, prepared once.
    pub(crate) async fn prepared(
        &self,
        statement: &str,
        arguments: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Statement, Error> {
        let types: Vec<Type> = arguments.iter().map(|(_, kind)| kind.clone()).collect();
        let prepare = || self.client.prepare_typed(statement, &types);
        self.prepared.get_or_try_init(prepare).await.cloned()
    }

    /// Nobody is to use it again.
    pub(crate) fn give_up(&self) {
        self.broken.store(true, Ordering::Relaxed);
        // Who waits for its turn looks for another connection.
        self.permits.close();
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.broken.load(Ordering::Relaxed) && !self.client.is_closed()
    }
}

/// The place of a connection: there is one, or one is being made, or it was tried in vain.
#[derive(Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
enum State {
    #[default]
    Vacant,
    Connecting,
    Ready(Arc<Connection>),
    /// Not tried again before an instant.
    Resting {
        error: StoreError,
        until: Instant,
        tries: u32,
    },
}

impl Slot {
    /// The connection, made if need be.
    pub(crate) async fn connection(
        self: &Arc<Self>,
        location: &Arc<Location>,
    ) -> Result<Arc<Connection>, StoreError> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(answer) = self.look(location) {
                return answer;
            }
            changed.await;
        }
    }

    /// The connection, if there is one.
    pub(crate) fn ready(&self) -> Option<Arc<Connection>> {
        match &*self.state.lock() {
            State::Ready(connection) if connection.is_alive() => Some(Arc::clone(connection)),
            _ => None,
        }
    }

    fn look(self: &Arc<Self>, location: &Arc<Location>) -> Option<Result<Arc<Connection>, StoreError>> {
        let mut state = self.state.lock();
        let tries = match &*state {
            State::Ready(connection) if connection.is_alive() => return Some(Ok(Arc::clone(connection))),
            State::Resting { error, until, .. } if *until > Instant::now() => {
                return Some(Err(error.clone()));
            }
            State::Connecting => return None,
            State::Resting { tries, .. } => *tries,
            State::Ready(_) | State::Vacant => 0,
        };
        *state = State::Connecting;
        drop(state);
        // By itself: a caller that gives up after some milliseconds must not end what takes longer.
        let attempt = Attempt(Arc::clone(self));
        let location = Arc::clone(location);
        tokio::spawn(async move {
            let outcome = open(&location).await;
            attempt.0.set(outcome, tries);
        });
        None
    }

    fn set(&self, outcome: Result<Connection, StoreError>, tries: u32) {
        *self.state.lock() = match outcome {
            Ok(connection) => State::Ready(Arc::new(connection)),
            Err(error) => {
                let until = Instant::now() + jittered(pause(tries));
                State::Resting { error, until, tries: tries.saturating_add(1) }
            }
        };
        self.changed.notify_waiters();
    }
}

/// An attempt to connect. If its runtime ends before it, the next caller tries.
struct Attempt(Arc<Slot>);

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        if matches!(*state, State::Connecting) {
            *state = State::Vacant;
            drop(state);
            self.0.changed.notify_waiters();
        }
    }
}

async fn open(location: &Location) -> Result<Connection, StoreError> {
    let opened = timeout(CONNECTING, location.server.connect(location.tls.clone())).await;
    let (client, driver) = opened
        .map_err(|_| StoreError::Unavailable {
            reason: "the server did not let us in within 5 s".to_owned(),
        })?
        .map_err(|error| Failure::of(&error, &location.schema.name).error)?;
    // Ends when the client is dropped, or the server goes.
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    });
    Ok(Connection {
        client,
        permits: Arc::new(Semaphore::new(UNDER_WAY)),
        broken: AtomicBool::new(false),
        prepared: OnceCell::new(),
    })
}

fn pause(tries: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE)
}

/// Between half of a span and all of it, so that not all clients come at once.
#[allow(clippy::disallowed_methods, reason = "what spreads out must be random")]
pub(crate) fn jittered(span: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness they come at once.
    _ = getrandom::fill(&mut byte);
    span / 2 + span.saturating_mul(u32::from(byte[0])) / 510
}
