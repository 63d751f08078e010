//! Who may ask, who is ready, and what there is.

use std::time::Duration;

use ratekeeper_envoy::{RateLimitServiceClient, SERVICE};
use testservers::{Redis, free_address};
use tokio::time::timeout;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{self, NotServing, ServiceUnknown, Serving};
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1alpha;

use super::{Asking, channel, started, user, web};
use crate::client::eventually;
use crate::server::{Home, OPERATOR, PATIENCE};

const POLICY: &str = "rules: [{ name: a, match: { domain: web, entries: [user] }, limits: 10 per day }]";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_needed_where_one_is_configured() {
    let home = Home::new(POLICY);
    let hash = home.hash_of("rk_check");
    let server = home.start(&["--set", &format!("check_tokens={hash}")]).await;
    let mut client = RateLimitServiceClient::new(channel(server.address).await);
    for (authorization, expected) in [
        (None, Code::Unauthenticated),
        (Some("Bearer rk_other".to_owned()), Code::Unauthenticated),
        (Some("Bearer rk_check".to_owned()), Code::Ok),
        (Some(format!("bearer {OPERATOR}")), Code::Ok),
    ] {
        let mut request = Request::new(web([user("ann")]));
        if let Some(value) = &authorization {
            request.metadata_mut().insert("authorization", MetadataValue::try_from(value).unwrap());
        }
        let answered = client.should_rate_limit(request).await;
        assert_eq!(answered.map_or_else(|status| status.code(), |_| Code::Ok), expected, "{authorization:?}");
    }
    let body = serde_json::json!({ "domain": "web", "descriptors": [{}] });
    assert_eq!(server.client().await.post("/json", &body).await.unwrap().status, 401);
    let mut health = HealthClient::new(channel(server.address).await);
    assert!(health.check(HealthCheckRequest::default()).await.is_ok(), "probes need none");
}

fn asks(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_until_the_end_and_does_not_delay_it() {
    let (_home, server, _) = started(POLICY, &["drain.timeout=60s"]).await;
    let mut health = HealthClient::new(channel(server.address).await);
    for service in ["", "ratelimit", SERVICE] {
        let said = health.check(asks(service)).await.unwrap().into_inner();
        assert_eq!(said.status(), Serving, "{service}");
    }
    assert_eq!(health.check(asks("other")).await.unwrap_err().code(), Code::NotFound);
    let mut unknown = health.watch(asks("other")).await.unwrap().into_inner();
    assert_eq!(unknown.message().await.unwrap().map(|said| said.status()), Some(ServiceUnknown));

    let mut watch = health.watch(asks("")).await.unwrap().into_inner();
    let mut next = async || -> Option<ServingStatus> {
        let said = timeout(PATIENCE, watch.message()).await.expect("it says something");
        said.unwrap().map(|said| said.status())
    };
    assert_eq!(next().await, Some(Serving));
    server.signal("-TERM");
    assert_eq!(next().await, Some(NotServing));
    assert_eq!(next().await, None);
    assert!(
        timeout(Duration::from_secs(20), server.ended())
            .await
            .expect("well before the time-out")
            .success()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_lists_what_there_is() {
    let (_home, server, _) = started(POLICY, &[]).await;
    let channel = channel(server.address).await;
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel.clone());
    let mut answers = client
        .server_reflection_info(futures_util::stream::iter([ask]))
        .await
        .unwrap()
        .into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list")
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(
        names,
        [
            SERVICE,
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection"
        ]
    );

    let ask = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
            SERVICE.to_owned(),
        )),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let mut answers = client
        .server_reflection_info(futures_util::stream::iter([ask]))
        .await
        .unwrap()
        .into_inner();
    let said = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(files) = said else {
        panic!("no file")
    };
    assert!(!files.file_descriptor_proto.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_its_own_is_one_more() {
    let address = free_address();
    let (_home, server, mut here) = started(POLICY, &[&format!("envoy.listen={address}")]).await;
    let mut there = Asking::at(address).await;
    assert_eq!(here.web([user("ann")]).await.statuses[0].limit_remaining, 9);
    assert_eq!(there.web([user("ann")]).await.statuses[0].limit_remaining, 8);
    let answer = server.client().await.get(&format!("/{SERVICE}/ShouldRateLimit")).await.unwrap();
    assert_eq!(answer.status, 404, "gRPC is HTTP/2");
}

/// Envoy's `failure_mode_deny` is for such errors, not for refusals.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_no_refusal() {
    let redis = Redis::start();
    let policy = format!(
        "stores: {{ shared: {{ url: \"{}\", deadline: 100ms }} }}
rules:
  - {{ name: strict, store: shared, match: {{ domain: web, entries: [user] }}, limits: 10 per day, on_store_error: deny }}
  - {{ name: lax, store: shared, match: {{ domain: lax, entries: [user] }}, limits: 10 per day, on_store_error: allow }}
  - {{ name: own, store: shared, match: {{ domain: own, entries: [user] }}, limits: 10 per day, on_store_error: local }}
",
        redis.url()
    );
    let (_home, server, mut asking) = started(&policy, &[]).await;
    eventually("the store decides", async || asking.ask(web([user("ann")])).await.ok()).await;
    redis.kill();
    let failed = asking.ask(web([user("ann")])).await.unwrap_err();
    assert_eq!(failed.code(), Code::Unavailable, "{failed}");
    for domain in ["lax", "own"] {
        let request = ratekeeper_envoy::RateLimitRequest { domain: domain.to_owned(), ..web([user("ann")]) };
        let response = asking.ask(request).await.unwrap();
        assert_eq!(response.overall_code(), ratekeeper_envoy::Code::Ok, "{domain}");
    }
    let body = serde_json::json!({
        "domain": "web", "descriptors": [{ "entries": [{ "key": "user", "value": "ann" }] }]
    });
    assert_eq!(server.client().await.post("/json", &body).await.unwrap().status, 503);
    redis.restart();
    eventually("the store decides again", async || asking.ask(web([user("ann")])).await.ok()).await;
}
