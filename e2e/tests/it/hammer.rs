//! Many connections that ask for one subject, as fast as they are answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Answer, Client, eventually};

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) allowed: u64,
    /// Of the allowed ones, those that were decided in the server's own process.
    pub(crate) allowed_locally: u64,
    pub(crate) degraded: u64,
    /// How long each answer took.
    pub(crate) took: Vec<Duration>,
}

impl Tally {
    pub(crate) fn answered(&self) -> u64 {
        u64::try_from(self.took.len()).unwrap()
    }

    /// The longest that any answer took.
    pub(crate) fn slowest(&self) -> Duration {
        self.took.iter().copied().max().unwrap_or_default()
    }

    fn count(&mut self, answer: &Answer, took: Duration) {
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        let degraded = answer["degraded"] == true;
        self.took.push(took);
        self.degraded += u64::from(degraded);
        if answer["allowed"] == true {
            self.allowed += 1;
            self.allowed_locally += u64::from(degraded);
        }
    }
}

/// Connections that ask until they are told to stop.
pub(crate) struct Hammer {
    stop: Arc<AtomicBool>,
    tally: Arc<Mutex<Tally>>,
    connections: JoinSet<()>,
}

impl Hammer {
    pub(crate) fn start(address: SocketAddr, connections: usize) -> Self {
        let mut hammer = Self { stop: Arc::default(), tally: Arc::default(), connections: JoinSet::new() };
        for _ in 0..connections {
            let (stop, tally) = (Arc::clone(&hammer.stop), Arc::clone(&hammer.tally));
            hammer.connections.spawn(async move {
                let mut client = None;
                while !stop.load(Ordering::Relaxed) {
                    let mut connected = match client.take() {
                        Some(client) => client,
                        // While the server restarts nobody listens.
                        None => match Client::connect(address).await {
                            Ok(client) => client,
                            Err(_) => {
                                tokio::task::yield_now().await;
                                continue;
                            }
                        },
                    };
                    let asked = Instant::now();
                    let check = json!({ "attributes": { "user": "alice" } });
                    let Ok(answer) = connected.post("/v1/check", &check).await else {
                        continue;
                    };
                    tally.lock().await.count(&answer, asked.elapsed());
                    if !answer.closes() {
                        client = Some(connected);
                    }
                }
            });
        }
        hammer
    }

    /// What came back until now.
    pub(crate) async fn so_far(&self) -> Tally {
        self.tally.lock().await.clone()
    }

    /// What came back since the last time this was asked.
    pub(crate) async fn take(&self) -> Tally {
        std::mem::take(&mut *self.tally.lock().await)
    }

    /// Waits until what came back is enough.
    pub(crate) async fn until(&self, what: &str, enough: impl Fn(&Tally) -> bool) {
        eventually(what, async || enough(&self.so_far().await).then_some(())).await;
    }

    /// Waits for this many more answers.
    pub(crate) async fn more(&self, count: u64) {
        let before = self.so_far().await.answered();
        self.until("the server has answered", |tally| tally.answered() >= before + count).await;
    }

    pub(crate) async fn stop(mut self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(connection) = self.connections.join_next().await {
            connection.unwrap();
        }
        self.so_far().await
    }
}
