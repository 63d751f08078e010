//! A node: its one connection, shared by all callers, and made again when it breaks.

use std::hash::BuildHasher as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use foldhash::quality::RandomState;
use ratekeeper_store::StoreError;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::address::Address;
use super::connection::{Connection, Ended};
use super::login::Login;
use super::reply::Reply;
use super::request::{Answer, Request};

/// So many commands wait until the connection takes them up; who has one more waits for room.
const QUEUE: usize = 1024;
/// How long a node that is down is left alone: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// A node. Its task ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Node {
    address: Address,
    queue: mpsc::Sender<Request>,
    /// The largest item in bytes, once it has said so.
    largest_item: Arc<AtomicU64>,
}

impl Node {
    /// A node to be connected when somebody first asks. What takes longer than `patience` counts as broken.
    ///
    /// # Errors
    /// Outside a runtime of tokio.
    pub(crate) fn new(
        address: Address,
        login: Option<Login>,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let runtime = Handle::try_current().map_err(|_| StoreError::Misconfigured {
            reason: "a memcached store is made inside a runtime of tokio".to_owned(),
        })?;
        let (queue, requests) = mpsc::channel(QUEUE);
        let largest_item = Arc::new(AtomicU64::new(u64::MAX));
        let link = Link {
            address: address.clone(),
            login,
            patience,
            largest_item: Arc::clone(&largest_item),
        };
        runtime.spawn(link.run(requests));
        Ok(Self { address, queue, largest_item })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The largest item that it takes, in bytes with the name and what the server keeps for itself: a larger one makes it
    /// forget the one before.
    pub(crate) fn largest_item(&self) -> u64 {
        self.largest_item.load(Relaxed)
    }

    /// Sends a command, and waits for its reply. Who stops waiting does no harm to others: the command may have been
    /// sent or not.
    ///
    /// # Errors
    /// If the node cannot be reached, or the connection breaks.
    pub(crate) async fn ask(&self, command: Vec<u8>) -> Result<Reply, StoreError> {
        let (answer, reply) = oneshot::channel();
        self.send(Request { command, answer: Some(Answer(answer)) }).await?;
        match reply.await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(why)) => Err(self.unavailable(&why)),
            Err(_) => Err(self.ended()),
        }
    }

    /// Sends a command whose reply does not matter.
    ///
    /// # Errors
    /// If nothing can be sent any more.
    pub(crate) async fn tell(&self, command: Vec<u8>) -> Result<(), StoreError> {
        self.send(Request { command, answer: None }).await
    }

    async fn send(&self, request: Request) -> Result<(), StoreError> {
        self.queue.send(request).await.map_err(|_| self.ended())
    }

    fn ended(&self) -> StoreError {
        self.unavailable("the runtime that the store was made in has ended")
    }

    /// That this node did not answer.
    pub(crate) fn unavailable(&self, why: &str) -> StoreError {
        StoreError::Unavailable { reason: format!("memcached at {}: {why}", self.address) }
    }
}

/// What the task of a node knows.
#[derive(Debug)]
struct Link {
    address: Address,
    login: Option<Login>,
    patience: Duration,
    largest_item: Arc<AtomicU64>,
}

impl Link {
    /// Serves the queue until its other end is dropped.
    async fn run(self, mut queue: mpsc::Receiver<Request>) {
        let mut failures = 0;
        let mut why = String::new();
        loop {
            let mut first = None;
            let connection = if failures == 0 {
                // Nobody is connected to before there is something to ask.
                first = queue.recv().await;
                if first.is_none() {
                    return;
                }
                self.open().await
            } else {
                match self.open_later(&mut queue, failures, &why).await {
                    Some(connection) => connection,
                    None => return,
                }
            };
            let ended = match connection {
                Ok(connection) => connection.serve(first, &mut queue, self.patience).await,
                Err(why) => {
                    first.into_iter().for_each(|request| request.fail(&why));
                    Ended::Broken { why, in_vain: true }
                }
            };
            let Ended::Broken { why: reason, in_vain } = ended else {
                return;
            };
            if failures == 0 {
                tracing::warn!(node = %self.address, reason, "the connection to memcached is broken");
            }
            failures = if in_vain { failures + 1 } else { 0 };
            why = reason;
        }
    }

    /// Connects, logs in, and looks whether the node answers.
    async fn open(&self) -> Result<Connection, String> {
        let opening = async {
            let mut connection = self.address.connect().await.map_err(|error| error.to_string())?;
            if let Some(login) = &self.login {
                match connection.greet(&login.command()).await {
                    Ok(Reply::Done) => {}
                    _ => return Err("it refuses the user and password of the URL".to_owned()),
                }
            }
            if connection.greet("mn\r\n").await? != Reply::Done {
                return Err("it does not greet back".to_owned());
            }
            if let Reply::Stats(settings) = connection.greet("stats settings\r\n").await? {
                let size = settings.iter().find(|(name, _)| name == "item_size_max");
                let size = size.and_then(|(_, size)| size.parse().ok());
                self.largest_item.store(size.unwrap_or(u64::MAX), Relaxed);
            }
            Ok(connection)
        };
        let late = |_| Err(format!("no connection within {:?}", self.patience));
        timeout(self.patience, opening).await.unwrap_or_else(late)
    }

    /// Connects after a while, during which whoever asks is told at once `why` nothing answers; nothing if nobody can
    /// ask any more.
    async fn open_later(
        &self,
        queue: &mut mpsc::Receiver<Request>,
        failures: u32,
        why: &str,
    ) -> Option<Result<Connection, String>> {
        let mut opening = pin!(async {
            sleep(pause(failures)).await;
            self.open().await
        });
        loop {
            tokio::select! {
                connection = &mut opening => return Some(connection),
                request = queue.recv() => request?.fail(why),
            }
        }
    }
}

/// How long to wait after so many failures: between a half and the whole, so that not all clients come back at once.
fn pause(failures: u32) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LAST_PAUSE);
    whole / 2 + jitter(whole / 2)
}

/// A random part of `most`.
pub(crate) fn jitter(most: Duration) -> Duration {
    let random = RandomState::default().hash_one(()) % 1024;
    most * u32::try_from(random).unwrap_or(0) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_differ() {
        for failures in 1..100 {
            let whole = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(16)).min(LAST_PAUSE);
            let pauses: Vec<_> = (0..50).map(|_| pause(failures)).collect();
            assert!(pauses.iter().all(|pause| (whole / 2..=whole).contains(pause)), "{pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
        assert_eq!(pause(u32::MAX).max(LAST_PAUSE), LAST_PAUSE);
    }
}
