//! Reservations and slots.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Home;

const POLICY: &str = "
rules:
  - { name: tokens, match: { path: /model }, key: [user], limits: [ 1000 per 365 days burst 1000 ] }
  - { name: slots, match: { path: /upload }, key: [user], limits: [ 2 concurrent ttl 60s ] }
";

async fn post(client: &mut Client, path: &str, body: Value) -> Value {
    let answer = client.post(path, &body).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn model(cost: u64) -> Value {
    json!({ "attributes": { "user": "alice", "path": "/model" }, "cost": cost })
}

async fn left(client: &mut Client) -> u64 {
    let peek = json!({ "attributes": { "user": "alice", "path": "/model" }, "op": "peek" });
    post(client, "/v1/check", peek).await["limits"][0]["remaining"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_is_settled_at_its_actual_cost_once() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let reserved = post(&mut client, "/v1/reserve", model(300)).await;
    assert_eq!(left(&mut client).await, 700);
    let handle = reserved["handle"].as_str().unwrap();
    for settlement in ["settled", "repeated", "repeated"] {
        let commit = json!({ "handle": handle, "actual": 120 });
        assert_eq!(post(&mut client, "/v1/commit", commit).await["settlement"], settlement);
        assert_eq!(left(&mut client).await, 880);
    }
    let dearer = post(&mut client, "/v1/reserve", model(100)).await;
    let commit = json!({ "handle": dearer["handle"], "actual": 150 });
    post(&mut client, "/v1/commit", commit).await;
    assert_eq!(left(&mut client).await, 730);
    post(&mut client, "/v1/reserve", model(30)).await;
    assert_eq!(left(&mut client).await, 700, "an abandoned reservation stays spent");
    let refused = post(&mut client, "/v1/reserve", model(701)).await;
    assert_eq!((&refused["allowed"], &refused["handle"]), (&json!(false), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_commits_at_once_settle_once() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let reserved = post(&mut client, "/v1/reserve", model(500)).await;
    let mut commits = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (mut client, handle) = (server.client().await, reserved["handle"].clone());
        commits.spawn(async move {
            post(&mut client, "/v1/commit", json!({ "handle": handle, "actual": 1 })).await["settlement"]
                .clone()
        });
    }
    let settled = commits.join_all().await.iter().filter(|settlement| *settlement == "settled").count();
    assert_eq!((settled, left(&mut client).await), (1, 999));
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_of_others_and_wrong_ones_are_refused() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let handle = post(&mut client, "/v1/reserve", model(5)).await["handle"].as_str().unwrap().to_owned();
    let mut forged = handle.clone().into_bytes();
    let middle = forged.len() / 2;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    let other = Home::new(POLICY).start(&[]).await;
    let foreign = post(&mut other.client().await, "/v1/reserve", model(5)).await["handle"].clone();
    for handle in [
        json!(String::from_utf8(forged).unwrap()),
        foreign,
        json!(""),
        json!("x".repeat(10_000)),
    ] {
        let commit = json!({ "handle": handle, "actual": 1 });
        client.post("/v1/commit", &commit).await.unwrap().problem(404);
        client.post("/v1/release", &json!({ "handle": handle })).await.unwrap().problem(404);
    }
    let huge = json!({ "handle": handle, "actual": 9_007_199_254_740_992_u64 });
    assert!(client.post("/v1/commit", &huge).await.unwrap().problem(400).contains("actual"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_held_until_it_is_released() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let upload = json!({ "attributes": { "user": "alice", "path": "/upload" } });
    let first = post(&mut client, "/v1/check", upload.clone()).await;
    assert_eq!(post(&mut client, "/v1/check", upload.clone()).await["allowed"], true);
    assert_eq!(post(&mut client, "/v1/check", upload.clone()).await["allowed"], false);
    for _ in 0..2 {
        let release = json!({ "handle": first["handle"] });
        assert_eq!(post(&mut client, "/v1/release", release).await["released"], true);
    }
    assert_eq!(post(&mut client, "/v1/check", upload.clone()).await["allowed"], true);
    assert_eq!(post(&mut client, "/v1/check", upload).await["allowed"], false, "released once, not twice");
}
