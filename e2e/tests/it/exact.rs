//! Exactly what the envelope says, from many connections at once, across reloads and restarts.

use std::net::SocketAddr;

use serde_json::Value;

use crate::client::{Client, eventually};
use crate::hammer::Hammer;
use crate::server::{Home, free_address};

/// A thousand a day, refilled so slowly that nothing comes back while a test runs.
const POLICY: &str = "rules: [{ name: daily, key: [user], limits: [ 1000 per 365 days burst 1000 ] }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_get_exactly_the_limit_across_reloads() {
    let home = Home::new(POLICY);
    let server = home.start(&[]).await;
    let hammer = Hammer::start(server.address, 64);
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
    assert_eq!(hammer.stop().await.allowed, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_get_exactly_the_limit_across_a_restart() {
    let home = Home::new(&POLICY.replace("1000", "5000"));
    let address = free_address();
    let keep = ["--state-file", "state", "--set", "drain.lame_duck=0s"];
    let server = home.start_at(address, &keep).await;
    let hammer = Hammer::start(address, 64);
    hammer.more(300).await;
    server.signal("-TERM");
    assert!(server.ended().await.success());
    let between = hammer.so_far().await.allowed;
    assert!((300..5000).contains(&between), "the restart came in the middle: {between}");
    let _server = home.start_at(address, &keep).await;
    hammer.more(5500).await;
    assert_eq!(hammer.stop().await.allowed, 5000);
}

/// The version of the policy in force.
async fn loaded(address: &SocketAddr) -> String {
    let mut client = Client::connect(*address).await.unwrap();
    let answer = client.operate(hyper::Method::GET, "/v1/policy", &Value::Null).await.unwrap();
    answer.json()["version"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}
