//! Exactly what the envelope says, from many connections at once, across reloads and restarts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{Client, eventually};
use crate::server::{Home, free_address};

const CONNECTIONS: usize = 64;

/// A thousand a day, refilled so slowly that nothing comes back while a test runs.
const POLICY: &str = "rules: [{ name: daily, key: [user], limits: [ 1000 per 365 days burst 1000 ] }]\n";

fn check() -> Value {
    json!({ "attributes": { "user": "alice" } })
}

/// Many connections that ask for one key until they are told to stop.
struct Hammer {
    stop: Arc<AtomicBool>,
    allowed: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    connections: JoinSet<()>,
}

impl Hammer {
    fn start(address: SocketAddr) -> Self {
        let mut hammer = Self {
            stop: Arc::default(),
            allowed: Arc::default(),
            answered: Arc::default(),
            connections: JoinSet::new(),
        };
        for _ in 0..CONNECTIONS {
            let (stop, allowed, answered) =
                (Arc::clone(&hammer.stop), Arc::clone(&hammer.allowed), Arc::clone(&hammer.answered));
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
                    let Ok(answer) = connected.post("/v1/check", &check()).await else {
                        continue;
                    };
                    assert_eq!(answer.status, 200, "{answer:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                    if answer.json()["allowed"] == true {
                        allowed.fetch_add(1, Ordering::Relaxed);
                    }
                    if !answer.closes() {
                        client = Some(connected);
                    }
                }
            });
        }
        hammer
    }

    fn allowed(&self) -> u64 {
        self.allowed.load(Ordering::Relaxed)
    }

    /// Waits for this many more answers.
    async fn more(&self, count: u64) {
        let enough = self.answered.load(Ordering::Relaxed) + count;
        eventually("the server has answered", async || {
            (self.answered.load(Ordering::Relaxed) >= enough).then_some(())
        })
        .await;
    }

    async fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(connection) = self.connections.join_next().await {
            connection.unwrap();
        }
        self.allowed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_get_exactly_the_limit_across_reloads() {
    let home = Home::new(POLICY);
    let server = home.start(&[]).await;
    let hammer = Hammer::start(server.address);
    hammer.more(200).await;
    for version in 0..3 {
        home.write("policy.yaml", &format!("# {version}\n{POLICY}"));
        let before = loaded(&server.address).await;
        server.signal("-HUP");
        eventually("the policy is loaded", async || (loaded(&server.address).await != before).then_some(()))
            .await;
        hammer.more(300).await;
    }
    hammer.more(500).await;
    assert_eq!(hammer.stop().await, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_get_exactly_the_limit_across_a_restart() {
    let home = Home::new(&POLICY.replace("1000", "5000"));
    let address = free_address();
    let keep = ["--state-file", "state", "--set", "drain.lame_duck=0s"];
    let server = home.start_at(address, &keep).await;
    let hammer = Hammer::start(address);
    hammer.more(300).await;
    server.signal("-TERM");
    assert!(server.ended().await.success());
    let between = hammer.allowed();
    assert!((300..5000).contains(&between), "the restart came in the middle: {between}");
    let _server = home.start_at(address, &keep).await;
    hammer.more(5500).await;
    assert_eq!(hammer.stop().await, 5000);
}

/// The version of the policy in force.
async fn loaded(address: &SocketAddr) -> String {
    let mut client = Client::connect(*address).await.unwrap();
    let answer = client.operate(hyper::Method::GET, "/v1/policy", &Value::Null).await.unwrap();
    answer.json()["version"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}
