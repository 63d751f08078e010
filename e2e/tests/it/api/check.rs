//! `POST /v1/check`.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::Home;

const POLICY: &str = "
lists: { deny: [ { user: mallory, reason: fraud } ] }
rules:
  - { name: login, match: { path: /login }, key: [ip], limits: [ 2 per hour, 5 per day ] }
  - { name: watched, match: { path: /login }, key: [ip], limits: [ 1 per hour ], mode: shadow }
  - { name: queued, match: { path: /queue }, key: [user], limits: [ { rate: 1 per 50ms, algorithm: leaky_bucket, max_delay: 1h } ] }
  - { name: bulk, match: { path: /bulk }, key: [user], limits: [ 100 per hour ] }
  - { name: keyed, match: { path: /keyed }, key: [header:x-api-key, descriptor:plan], limits: [ 1 per hour ], missing: deny }
";

async fn ask(client: &mut Client, body: Value) -> Answer {
    client.post("/v1/check", &body).await.unwrap()
}

fn login(ip: &str) -> Value {
    json!({ "attributes": { "ip": ip, "method": "POST", "path": "/login" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_says_everything_that_a_service_needs() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let first = ask(&mut client, login("203.0.113.7")).await;
    assert_eq!((first.status, first.header("content-type")), (200, Some("application/json")));
    let answer = first.json();
    assert_eq!(answer["decision"], "allow");
    assert_eq!((&answer["allowed"], &answer["denial"]), (&json!(true), &Value::Null));
    assert_eq!((&answer["degraded"], &answer["delay_us"]), (&json!(false), &Value::Null));
    assert_eq!(answer["limits"].as_array().unwrap().len(), 3, "{answer}");
    assert_eq!(answer["limits"][0]["rule"], "login");
    assert_eq!(answer["limits"][0]["remaining"], 1);
    assert_eq!(answer["limits"][1]["remaining"], 4);
    assert_eq!(
        (&answer["limits"][2]["rule"], &answer["limits"][2]["mode"]),
        (&json!("watched"), &json!("shadow"))
    );
    assert_eq!(answer["headers"]["ratelimit-policy"], r#""login:1h";q=2;w=3600, "login:1d";q=5;w=86400"#);
    assert!(answer["headers"].get("retry-after").is_none());
    ask(&mut client, login("203.0.113.7")).await;
    let refused = ask(&mut client, login("203.0.113.7")).await.json();
    assert_eq!((&refused["decision"], &refused["denial"]), (&json!("deny"), &json!("limit")));
    let wait = refused["retry_after_us"].as_u64().unwrap();
    assert!((1_700_000_000..=1_800_000_000).contains(&wait), "{wait}");
    assert_eq!(refused["headers"]["retry-after"], wait.div_ceil(1_000_000).to_string());
    assert_eq!(refused["limits"][0]["allowed"], false);
    assert_eq!(refused["limits"][1]["remaining"], 3, "a refused request takes nothing from any limit");
    assert!(refused["policy_version"].as_str().is_some_and(|version| !version.is_empty()));
    let neighbour = ask(&mut client, login("203.0.113.8")).await.json();
    assert_eq!(neighbour["allowed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_missing_keys_have_denials_of_their_own() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let listed = ask(&mut client, json!({ "attributes": { "user": "mallory", "path": "/" } })).await;
    assert_eq!(listed.json()["denial"], "listed");
    assert!(!listed.text().contains("fraud"), "reasons are for operators");
    let keyless = ask(&mut client, json!({ "attributes": { "path": "/keyed" } })).await.json();
    assert_eq!(keyless["denial"], "missing_key");
    let keyed =
        json!({ "path": "/keyed", "headers": { "X-Api-Key": "k" }, "descriptors": { "plan": "free" } });
    assert_eq!(ask(&mut client, json!({ "attributes": keyed })).await.json()["allowed"], true);
    assert_eq!(ask(&mut client, json!({ "attributes": keyed })).await.json()["denial"], "limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_answers_with_a_delay_and_a_list_in_its_order() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let queued = json!({ "attributes": { "user": "u", "path": "/queue" } });
    let answer = ask(&mut client, json!({ "checks": [queued, queued, login("192.0.2.1")] })).await.json();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!(results[0]["decision"], "allow");
    assert_eq!(results[1]["decision"], "delay");
    assert!((1..=50_000).contains(&results[1]["delay_us"].as_u64().unwrap()));
    assert_eq!(results[2]["limits"][0]["rule"], "login");
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_and_operations() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let bulk = |cost: u64, op: &str| json!({ "attributes": { "user": "u", "path": "/bulk" }, "cost": cost, "op": op });
    let mut remaining = async |body: Value| {
        let answer = ask(&mut client, body).await.json();
        let remaining = answer["limits"][0]["remaining"].as_u64().unwrap();
        (answer["allowed"] == true, answer["granted"].as_u64().unwrap(), remaining)
    };
    assert_eq!(remaining(bulk(60, "peek")).await, (true, 0, 100));
    assert_eq!(remaining(bulk(60, "take")).await, (true, 60, 40));
    assert_eq!(remaining(bulk(60, "peek")).await, (false, 0, 40));
    assert_eq!(remaining(bulk(60, "take_up_to")).await, (true, 40, 0));
    assert_eq!(remaining(bulk(1, "take_up_to")).await, (false, 0, 0));
}

/// Whatever is wrong is told by its name, and a list with a mistake takes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let cases = [
        (json!({}), "attributes"),
        (json!([]), "expected"),
        (json!({ "attributes": 7 }), "attributes"),
        (json!({ "attributes": { "ip": "203.0.113.7:80" } }), "attributes.ip"),
        (json!({ "attributes": { "ip": "203.0.113.07" } }), "attributes.ip"),
        (json!({ "attributes": { "ip": "fe80::1%eth0" } }), "attributes.ip"),
        (json!({ "attributes": { "ip": 7 } }), "attributes.ip"),
        (json!({ "attributes": { "method": [] } }), "attributes.method"),
        (json!({ "attributes": { "path": {} } }), "attributes.path"),
        (json!({ "attributes": { "user": false } }), "attributes.user"),
        (json!({ "attributes": { "headers": [] } }), "attributes.headers"),
        (json!({ "attributes": { "headers": { "a": 1 } } }), "attributes.headers"),
        (json!({ "attributes": { "descriptors": "x" } }), "attributes.descriptors"),
        (json!({ "attributes": { "adress": "x" } }), "adress"),
        (json!({ "attributes": {}, "cost": 0 }), "cost"),
        (json!({ "attributes": {}, "cost": -1 }), "cost"),
        (json!({ "attributes": {}, "cost": 1.5 }), "cost"),
        (json!({ "attributes": {}, "cost": 9_007_199_254_740_992_u64 }), "cost"),
        (json!({ "attributes": {}, "cost": "1" }), "cost"),
        (json!({ "attributes": {}, "op": "steal" }), "op"),
        (json!({ "attributes": {}, "checks": [] }), "checks"),
        (json!({ "checks": [] }), "checks"),
        (
            json!({ "checks": [{ "attributes": {} }, { "attributes": { "ip": "x" } }] }),
            "checks[1].attributes.ip",
        ),
        (json!({ "checks": vec![json!({ "attributes": {} }); 1001] }), "checks"),
    ];
    for (body, named) in cases {
        let detail = ask(&mut client, body.clone()).await.problem(400);
        assert!(detail.contains(named), "{body}: {detail}");
    }
    let wrong = json!({ "checks": [login("192.0.2.9"), { "attributes": { "ip": "x" } }] });
    ask(&mut client, wrong).await.problem(400);
    let untouched = ask(&mut client, login("192.0.2.9")).await.json();
    assert_eq!(untouched["limits"][0]["remaining"], 1, "nothing was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_json_are_refused_by_what_they_are() {
    let server = Home::new(POLICY).start(&[]).await;
    let json = [("content-type", "application/json; charset=utf-8")];
    let good = r#"{"attributes":{}}"#;
    for (headers, body, status) in [
        (&json[..], good.to_owned(), 200),
        (&[("content-type", "text/plain")], good.to_owned(), 415),
        (&[], good.to_owned(), 415),
        (&json, String::new(), 400),
        (&json, "{\"attributes\":{".to_owned(), 400),
        (&json, format!("{good}{good}"), 400),
        (&json, "[".repeat(100_000), 400),
        (&json, r#"{"attributes":{"user":"\ud800"}}"#.to_owned(), 400),
        (&json, r#"{"attributes":{},"attributes":{}}"#.to_owned(), 400),
        (&json, format!(r#"{{"attributes":{{"user":"{}"}}}}"#, "x".repeat(300_000)), 413),
    ] {
        let shown = body.chars().take(50).collect::<String>();
        let mut client = server.client().await;
        let answer = client.send(hyper::Method::POST, "/v1/check", headers, body.into()).await.unwrap();
        assert_eq!(answer.status, status, "{shown}: {answer:?}");
        if status != 200 {
            answer.problem(status);
        }
    }
    let mut client = server.client().await;
    assert_eq!(client.get("/v1/check").await.unwrap().status, 405);
    client.get("/v1/chek").await.unwrap().problem(404);
}
