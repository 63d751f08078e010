//! What operators see and change, over HTTP and by the command line.

use hyper::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Home, OPERATOR, Server};

const POLICY: &str = "
rules:
  - { name: daily, match: { path: /daily }, key: [user], limits: [ 10 per 365 days burst 10, 100 per 365 days burst 100 ] }
  - { name: nets, match: { path: /nets }, key: [ip, header:x-plan], limits: [ 5 per 365 days burst 5 ] }
  - { name: all, match: { path: /all }, limits: [ 5 per 365 days burst 5 ] }
";

async fn spend(client: &mut Client, attributes: &Value, cost: u64) {
    let body = json!({ "attributes": attributes, "cost": cost });
    assert_eq!(client.post("/v1/check", &body).await.unwrap().json()["allowed"], true);
}

async fn remaining(client: &mut Client, method: Method, path: &str, body: Value) -> Vec<u64> {
    let answer = client.operate(method, path, &body).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let limits = answer.json()["limits"].as_array().unwrap().clone();
    limits.iter().map(|limit| limit["remaining"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_is_inspected_refunded_charged_and_reset() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let alice = json!({ "user": "al&ice", "path": "/daily" });
    spend(&mut client, &alice, 7).await;
    let path = "/v1/keys/daily?user=al%26ice";
    assert_eq!(remaining(&mut client, Method::GET, path, Value::Null).await, [3, 93]);
    assert_eq!(
        remaining(&mut client, Method::GET, path, Value::Null).await,
        [3, 93],
        "looking takes nothing"
    );
    let refund = json!({ "op": "refund", "cost": 2 });
    assert_eq!(remaining(&mut client, Method::POST, path, refund).await, [5, 95]);
    let charge = json!({ "op": "charge", "cost": 20 });
    assert_eq!(remaining(&mut client, Method::POST, path, charge).await, [0, 75]);
    assert_eq!(remaining(&mut client, Method::DELETE, path, Value::Null).await, [10, 100]);
    spend(
        &mut client,
        &json!({ "ip": "2001:db8:1:2:3::4", "headers": { "x-plan": "free" }, "path": "/nets" }),
        2,
    )
    .await;
    let network = "/v1/keys/nets?ip=2001:db8:1:2:ffff::1&header:x-plan=free";
    assert_eq!(remaining(&mut client, Method::GET, network, Value::Null).await, [3]);
    let shown = "/v1/keys/nets?ip=2001:db8:1:2::/64&header:x-plan=free";
    assert_eq!(remaining(&mut client, Method::GET, shown, Value::Null).await, [3]);
    spend(&mut client, &json!({ "path": "/all" }), 1).await;
    assert_eq!(remaining(&mut client, Method::GET, "/v1/keys/all", Value::Null).await, [4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_must_be_named_by_its_parts() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    for (path, status, says) in [
        ("/v1/keys/nothing?user=a", 404, "daily, nets, all"),
        ("/v1/keys/daily", 404, "user"),
        ("/v1/keys/daily?ip=192.0.2.1", 404, "user"),
        ("/v1/keys/daily?user=a&user=b", 404, "twice"),
        ("/v1/keys/nets?ip=192.0.2.1", 404, "header:x-plan"),
        ("/v1/keys/nets?ip=192.0.2.999&header:x-plan=a", 404, "ip"),
        ("/v1/keys/all?user=a", 404, "no part"),
        ("/v1/keys/%ff", 400, "path"),
    ] {
        let answer = client.operate(Method::GET, path, &Value::Null).await.unwrap();
        let detail = answer.problem(status);
        assert!(detail.contains(says), "{path}: {detail}");
    }
    for change in [
        json!({ "op": "refund", "cost": 0 }),
        json!({ "op": "take", "cost": 1 }),
        json!({ "op": "charge" }),
    ] {
        client.operate(Method::POST, "/v1/keys/all", &change).await.unwrap().problem(400);
    }
}

async fn command(server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
    let said = tokio::process::Command::new(crate::server::ratekeeper())
        .args(arguments)
        .env("RATEKEEPER_URL", format!("http://{}", server.address))
        .env("RATEKEEPER_TOKEN", OPERATOR)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(said.stdout).unwrap() + &String::from_utf8(said.stderr).unwrap();
    (said.status.code(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_does_the_same() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let alice = json!({ "user": "alice", "path": "/daily" });
    spend(&mut client, &alice, 10).await;
    for _ in 0..3 {
        client.post("/v1/check", &json!({ "attributes": alice })).await.unwrap();
    }
    let (code, text) = command(&server, &["key", "get", "daily", "user=alice"]).await;
    assert!(code == Some(0) && text.contains("0 left") && text.contains("90 left"), "{text}");
    let (_, json) =
        command(&server, &["key", "refund", "daily", "user=alice", "--cost", "4", "--json"]).await;
    let answer: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["limits"][0]["remaining"], 4);
    command(&server, &["key", "charge", "daily", "user=alice", "--cost", "1"]).await;
    let (_, text) = command(&server, &["key", "reset", "daily", "user=alice"]).await;
    assert!(text.contains("10 left") && text.contains("100 left"), "{text}");
    let (code, text) = command(&server, &["key", "get", "nothing"]).await;
    assert!(code == Some(4) && text.contains("404"), "{text}");
    let (code, text) = command(&server, &["top", "--once"]).await;
    assert!(code == Some(0) && text.contains("daily") && text.contains("alice"), "{text}");
    let (_, json) = command(&server, &["top", "--once", "--format", "json"]).await;
    let top: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        top["refused_subjects"][0],
        json!({ "rule": "daily", "key": ["alice"], "refused": 3, "overestimate": 0 })
    );
    assert_eq!((&top["rules"][0]["allowed"], &top["rules"][0]["denied"]), (&json!(1), &json!(3)));
}
