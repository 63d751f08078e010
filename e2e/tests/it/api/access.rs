//! Who may ask what.

use hyper::Method;
use serde_json::{Value, json};

use crate::server::{Home, OPERATOR};

/// A token for decisions, and its hash.
const CHECK: &str = "rk_check-of-the-tests";

const OPERATED: [(Method, &str); 5] = [
    (Method::GET, "/v1/keys/all"),
    (Method::DELETE, "/v1/keys/all"),
    (Method::POST, "/v1/keys/all"),
    (Method::GET, "/v1/policy"),
    (Method::GET, "/v1/top"),
];

#[tokio::test(flavor = "multi_thread")]
async fn decisions_and_operations_have_tokens_of_their_own() {
    let home = Home::new("rules: [{ name: all, limits: [ 100 per hour ] }]");
    let hash = home.hash_of(CHECK);
    let server = home.start(&["--set", &format!("check_tokens={hash}")]).await;
    let mut client = server.client().await;
    let check = json!({ "attributes": {} }).to_string();
    let mut status = async |method: &Method, path: &str, authorization: Option<&str>| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let body = if path == "/v1/check" {
            check.clone()
        } else {
            r#"{"op":"refund","cost":1}"#.to_owned()
        };
        let answer = client.send(method.clone(), path, &headers, body.into()).await.unwrap();
        if answer.status == 401 {
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"ratekeeper\""));
        }
        answer.status
    };
    let (as_client, as_operator) = (format!("Bearer {CHECK}"), format!("bearer {OPERATOR}"));
    for (authorization, expected) in [
        (None, 401),
        (Some("Bearer "), 401),
        (Some("Bearer x"), 401),
        (Some(CHECK), 401),
        (Some("Basic cms6eA=="), 401),
        (Some(hash.as_str()), 401),
        (Some(as_client.as_str()), 200),
        (Some(as_operator.as_str()), 200),
    ] {
        assert_eq!(status(&Method::POST, "/v1/check", authorization).await, expected, "{authorization:?}");
    }
    for (method, path) in OPERATED {
        assert_eq!(status(&method, path, None).await, 401, "{method} {path}");
        assert_eq!(status(&method, path, Some(&as_client)).await, 403, "{method} {path}");
        assert_eq!(status(&method, path, Some(&as_operator)).await, 200, "{method} {path}");
    }
    // Probes and scrapers need none.
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(status(&Method::GET, path, None).await, 200, "{path}");
    }
    let log = server.log();
    assert!(!log.contains(CHECK) && !log.contains(OPERATOR) && !log.contains(&hash), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_operator_token_nobody_is_an_operator() {
    let home = Home::new("rules: [{ name: all, limits: [ 100 per hour ] }]");
    let server = home.start(&["--set", "operator_tokens="]).await;
    let mut client = server.client().await;
    for (method, path) in OPERATED {
        let answer = client.operate(method, path, &Value::Null).await.unwrap();
        assert!(answer.problem(403).contains("ratekeeper token"));
    }
}
