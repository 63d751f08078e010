//! A collector of OpenTelemetry.

use std::fs::{self, File};
use std::process::Command;

use hyper::Method;
use ratekeeper_envoy::{RateLimitRequest, RateLimitServiceClient};
use serde_json::{Value, json};

use super::{Running, python_program};
use crate::client::{Client, eventually};
use crate::server::{Home, free_address};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The value of a span's attribute.
fn attribute<'v>(span: &'v Value, name: &str) -> &'v Value {
    let all = span["attributes"].as_array().unwrap().iter();
    let found = all.clone().find(|attribute| attribute["key"] == name);
    &found.unwrap_or_else(|| panic!("{name}: {span}"))["value"]
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_part_of_the_client_s_trace() {
    let home = Home::new("rules: [{ name: once, key: [user], limits: [ 1 per 365 days ] }]");
    let collector = free_address();
    let mut command = Command::new(python_program("oteltap"));
    command.args(["--port", &collector.port().to_string()]).env("PYTHONUNBUFFERED", "1");
    let _collector = Running::start(command.stdout(File::create(home.path("spans")).unwrap()));
    eventually("the collector listens", async || Client::connect(collector).await.ok()).await;
    let endpoint = format!("traces.endpoint=http://{collector}/v1/traces");
    let server = home.start(&["--set", &endpoint, "--set", "traces.one_in=0"]).await;
    let mut client = server.client().await;
    let body = json!({ "attributes": { "user": "alice", "path": "/x" } }).to_string();
    for (id, sampled) in [
        ("00f067aa0ba902b1", "01"),
        ("00f067aa0ba902b2", "01"),
        ("00f067aa0ba902b3", "00"),
    ] {
        let parent = format!("00-{TRACE}-{id}-{sampled}");
        let headers = [
            ("content-type", "application/json"),
            ("traceparent", parent.as_str()),
        ];
        let answer = client.send(Method::POST, "/v1/check", &headers, body.clone().into()).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    // The same for gRPC; without a domain the answer is an error.
    let channel = tonic::transport::Endpoint::try_from(format!("http://{}", server.address)).unwrap();
    let mut call = tonic::Request::new(RateLimitRequest::default());
    let parent = format!("00-{TRACE}-00f067aa0ba902b4-01");
    call.metadata_mut().insert("traceparent", parent.parse().unwrap());
    let mut asking = RateLimitServiceClient::new(channel.connect().await.unwrap());
    assert!(asking.should_rate_limit(call).await.is_err());
    // What was not sent yet is sent when the server ends.
    server.signal("-TERM");
    assert!(server.ended().await.success());
    let spans = || -> Vec<Value> {
        let text = fs::read_to_string(home.path("spans")).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.flat_map(|line| found(&line)).collect()
    };
    let spans =
        eventually("the spans have arrived", async || Some(spans()).filter(|spans| spans.len() >= 3)).await;
    assert_eq!(spans.len(), 3, "what a client does not record is not recorded here: {spans:?}");
    assert!(spans[..2].iter().all(|span| span["name"] == "POST /v1/check"));
    assert_eq!(spans[2]["name"], "envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit");
    assert_eq!(attribute(&spans[2], "rpc.response.status_code")["intValue"], "3");
    assert_eq!(attribute(&spans[1], "ratekeeper.denial")["stringValue"], "limit");
    assert_eq!(attribute(&spans[1], "ratekeeper.rules")["stringValue"], "once");
    assert_eq!(attribute(&spans[0], "http.route")["stringValue"], "/v1/check");
    let text = fs::read_to_string(home.path("spans")).unwrap();
    assert!(!text.contains("alice"), "subjects stay out of traces");
}

/// The spans in a message, whatever they are wrapped in.
fn found(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) if fields.contains_key("spanId") => vec![value.clone()],
        Value::Object(fields) => fields.values().flat_map(found).collect(),
        Value::Array(items) => items.iter().flat_map(found).collect(),
        _ => Vec::new(),
    }
}
