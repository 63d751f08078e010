//! The first minute of a new user: one command, and what it says to try.

use std::net::SocketAddr;

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use crate::client::{Client, eventually};
use crate::server::Home;

/// The word after another one in what was printed.
fn after<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.split(word).nth(1)?.split([' ', ',', '\n', '/']).next()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_within_a_minute_of_the_first_command() {
    let home = Home::new("");
    let server = home.start_without_arguments();
    let said = eventually("it says what to try", async || {
        Some(server.log()).filter(|log| log.contains("Your own policy"))
    })
    .await;
    let address: SocketAddr = after(&said, "listens on http://").unwrap().parse().unwrap();
    assert!(address.ip().is_loopback(), "{said}");
    for hint in [
        "/v1/check",
        "/v1/authorize",
        "/openapi.json",
        "ratekeeper serve --policy",
    ] {
        assert!(said.contains(hint), "{hint}: {said}");
    }
    let mut client = Client::connect(address).await.unwrap();
    // What the hints ask.
    let check = json!({ "attributes": { "ip": "203.0.113.7", "path": "/hello" } });
    for number in 1..=6 {
        let answer = client.post("/v1/check", &check).await.unwrap().json();
        assert_eq!(answer["allowed"], number <= 5, "{number}: {answer}");
    }
    let headers = [("x-original-uri", "/hello"), ("x-forwarded-for", "203.0.113.7")];
    let refused = client.send(Method::GET, "/v1/authorize", &headers, Bytes::new()).await.unwrap();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("ratelimit-policy"), Some("\"hello\";q=5;w=60"));
    assert!(refused.header("ratelimit").unwrap().starts_with("\"hello\";r=0;t="));
    let bearer = format!("Bearer {}", after(&said, "RATEKEEPER_TOKEN=").unwrap());
    let operate = async |client: &mut Client, method: Method| {
        let headers = [("authorization", bearer.as_str())];
        let path = "/v1/keys/hello?ip=203.0.113.7";
        client.send(method, path, &headers, Bytes::new()).await.unwrap()
    };
    assert_eq!(operate(&mut client, Method::GET).await.json()["limits"][0]["remaining"], 0);
    server.signal("-HUP");
    eventually("the hangup was heard", async || server.log().contains("tokens were read").then_some(()))
        .await;
    assert_eq!(operate(&mut client, Method::DELETE).await.status, 200, "the token of this run stays");
    assert_eq!(client.post("/v1/check", &check).await.unwrap().json()["allowed"], true);
    let nothing = client.operate(Method::GET, "/v1/policy", &Value::Null).await.unwrap();
    nothing.problem(401);
}
