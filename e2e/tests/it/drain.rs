//! A server that ends finishes what it has begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;
use tokio::task::JoinSet;

use crate::client::{Client, eventually};
use crate::server::Home;

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_lost_when_the_server_drains() {
    let home = Home::new("rules: [{ name: all, key: [ip], limits: [ 1000000 per second ] }]");
    let server = home.start(&[]).await;
    let (draining, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut connections = JoinSet::new();
    for _ in 0..64 {
        let address = server.address;
        let (draining, answered) = (Arc::clone(&draining), Arc::clone(&answered));
        connections.spawn(async move {
            // A refused connection is no lost answer: this client goes elsewhere.
            while let Ok(mut client) = Client::connect(address).await {
                loop {
                    let body = json!({ "attributes": { "ip": "203.0.113.7" } });
                    match client.post("/v1/check", &body).await {
                        Ok(answer) if answer.status == 200 => _ = answered.fetch_add(1, Ordering::Relaxed),
                        // The server had closed the connection before anything was sent on it.
                        Err(error) if error.is_canceled() || error.is_closed() => break,
                        other => panic!("an answer is lost: {other:?}"),
                    }
                }
                if draining.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
    }
    eventually("all are busy", async || (answered.load(Ordering::Relaxed) > 1000).then_some(())).await;
    draining.store(true, Ordering::Relaxed);
    server.signal("-TERM");
    while let Some(connection) = connections.join_next().await {
        connection.unwrap();
    }
    assert!(server.ended().await.success());
}
