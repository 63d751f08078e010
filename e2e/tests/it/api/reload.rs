//! New policies without a restart.

use hyper::Method;
use serde_json::{Value, json};

use crate::client::{Client, eventually};
use crate::server::Home;

fn policy(limit: u64) -> String {
    format!("rules: [{{ name: all, key: [user], limits: [ \"{limit} per 365 days (fixed_window)\" ] }}]\n")
}

async fn status(client: &mut Client) -> Value {
    client.operate(Method::GET, "/v1/policy", &Value::Null).await.unwrap().json()
}

async fn remaining(client: &mut Client) -> u64 {
    let body = json!({ "attributes": { "user": "alice" } });
    client.post("/v1/check", &body).await.unwrap().json()["limits"][0]["remaining"]
        .as_u64()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_loaded_and_a_wrong_one_is_not() {
    let home = Home::new(&policy(10));
    let server = home.start(&[]).await;
    let mut client = server.client().await;
    assert_eq!(remaining(&mut client).await, 9);
    let first = status(&mut client).await;
    home.write("policy.yaml", &policy(20));
    let second = eventually("the new file is loaded", async || {
        Some(status(&mut client).await).filter(|now| now["version"] != first["version"])
    })
    .await;
    assert_eq!(remaining(&mut client).await, 18, "what was used stays used");
    home.write("policy.yaml", "rules: [{ name: all, limits: [ 10 per fortnight ] }]");
    let failed = eventually("the error is seen", async || {
        Some(status(&mut client).await).filter(|now| !now["last_error"].is_null())
    })
    .await;
    assert_eq!(failed["version"], second["version"], "the last good one goes on");
    let error = failed["last_error"]["error"].as_str().unwrap();
    assert!(error.contains("policy.yaml:1:") && error.contains("fortnight"), "{error}");
    assert_eq!(client.metric("ratekeeper_policy_last_reload_successful").await, 0);
    assert_eq!(client.metric("ratekeeper_policy_reloads_total{result=\"failure\"}").await, 1);
    assert_eq!(remaining(&mut client).await, 17);
    assert!(server.log().contains("the policy is not replaced"));
    home.write("policy.yaml", &policy(30));
    server.signal("-HUP");
    eventually("the file is good again", async || {
        Some(status(&mut client).await).filter(|now| now["last_error"].is_null())
    })
    .await;
    assert_eq!(client.metric("ratekeeper_policy_last_reload_successful").await, 1);
    assert_eq!(remaining(&mut client).await, 26);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_read_again_at_a_hangup() {
    let home = Home::new(&policy(10));
    home.write("ratekeeper.toml", "");
    let server = home.start(&["--config", "ratekeeper.toml"]).await;
    let mut client = server.client().await;
    remaining(&mut client).await;
    home.write("ratekeeper.toml", &format!("check_tokens = [\"{}\"]\n", home.hash_of("rk_new")));
    server.signal("-HUP");
    let body = json!({ "attributes": {} });
    eventually("the token is asked for", async || {
        (client.post("/v1/check", &body).await.unwrap().status == 401).then_some(())
    })
    .await;
}
