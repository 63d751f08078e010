//! What passes, what is refused, and what the client is told.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use ratekeeper_core::Micros;
use ratekeeper_http::{ApiKey, Dialect, FromHeader, Identify as _};

use super::{Front, answering, ask, engine, from, header, path, service, text, user};

const ONE_RULE: &str = "rules: [{ name: api, key: [ip], limits: [ 2 per minute ] }]";

#[tokio::test]
async fn requests_pass_until_the_limit_and_are_told_of_it() {
    let (engine, clock) = engine(ONE_RULE);
    let (limited, served) = service(&Front::new(engine)).await;
    for remaining in ["1", "0"] {
        let answer = ask(&limited, from("203.0.113.7", "/200")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(header(&answer, "ratelimit-policy"), Some("\"api\";q=2;w=60"));
        assert!(header(&answer, "ratelimit").unwrap().starts_with(&format!("\"api\";r={remaining};t=")));
        assert_eq!(text(answer).await, "served");
    }
    let refused = ask(&limited, from("203.0.113.7", "/200")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&refused, "retry-after"), Some("30"));
    assert_eq!(header(&refused, "ratelimit"), Some("\"api\";r=0;t=30"));
    assert_eq!(header(&refused, "content-type"), Some("application/problem+json"));
    let problem: serde_json::Value = serde_json::from_str(&text(refused).await).unwrap();
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!(problem["status"], 429);
    assert_eq!(problem["violated-policies"], serde_json::json!(["api"]));
    assert_eq!(served.load(Ordering::Relaxed), 2, "the service behind never sees a refused request");
    assert_eq!(ask(&limited, from("203.0.113.8", "/200")).await.status(), StatusCode::OK, "others pass");
    clock.advance(Micros::from_secs(30));
    assert_eq!(ask(&limited, from("203.0.113.7", "/200")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn users_answer_in_their_own_way_and_dialect() {
    let layer = answering(Front::new(engine(ONE_RULE).0).dialect(Dialect::XRateLimitDelta));
    let (limited, _) = service(&layer).await;
    let passed = ask(&limited, from("203.0.113.7", "/200")).await;
    assert_eq!(header(&passed, "x-ratelimit-limit"), Some("2"));
    assert_eq!(header(&passed, "x-ratelimit-remaining"), Some("1"));
    ask(&limited, from("203.0.113.7", "/200")).await;
    let refused = ask(&limited, from("203.0.113.7", "/200")).await;
    assert_eq!(refused.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(header(&refused, "retry-after"), Some("30"));
    assert_eq!(header(&refused, "x-ratelimit-remaining"), Some("0"));
    assert_eq!(text(refused).await, "api: Some(30)");
}

#[tokio::test]
async fn grpc_clients_get_a_status() {
    let (limited, _) = service(&Front::new(engine(ONE_RULE).0)).await;
    let call = || {
        let mut call = from("203.0.113.7", "/pkg.Service/Method");
        call.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        call
    };
    ask(&limited, call()).await;
    ask(&limited, call()).await;
    let refused = ask(&limited, call()).await;
    assert_eq!(refused.status(), StatusCode::OK);
    assert_eq!(header(&refused, "grpc-status"), Some("8"));
    assert_eq!(header(&refused, "retry-after"), Some("30"));
    assert_eq!(header(&refused, "content-type"), Some("application/grpc"));
    assert_eq!(text(refused).await, "");
}

#[tokio::test]
async fn what_is_skipped_is_not_counted() {
    let layer = Front::new(engine(ONE_RULE).0).skip(|request| path(request) == "/healthz");
    let (limited, _) = service(&layer).await;
    for _ in 0..5 {
        let answer = ask(&limited, from("203.0.113.7", "/healthz")).await;
        assert_eq!((answer.status(), header(&answer, "ratelimit")), (StatusCode::OK, None));
    }
    assert!(
        header(&ask(&limited, from("203.0.113.7", "/x")).await, "ratelimit")
            .unwrap()
            .contains("r=1")
    );
}

#[tokio::test]
async fn attributes_of_the_user_s_decide() {
    let rules = "rules: [{ name: users, key: [user, descriptor:plan], limits: [ 10 per minute ] }]";
    let layer = Front::new(engine(rules).0).attributes(|request, facts| {
        facts.user = user(request).map(Into::into);
        facts.descriptor("plan", "free");
        facts.cost = 4;
    });
    let (limited, _) = service(&layer).await;
    let as_user = |user| with("x-user", user);
    for expected in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(ask(&limited, as_user("alice")).await.status(), expected);
    }
    assert_eq!(ask(&limited, as_user("bob")).await.status(), StatusCode::OK);
}

/// A request with this header.
fn with(name: &'static str, value: &'static str) -> http::Request<Full<Bytes>> {
    let mut request = from("203.0.113.7", "/x");
    request.headers_mut().insert(name, HeaderValue::from_static(value));
    request
}

#[tokio::test]
async fn users_are_told_apart_by_who_identifies_them() {
    let rules = "rules: [{ name: users, key: [user], missing: deny, limits: [ 1 per minute ] }]";
    let layer = Front::new(engine(rules).0).user(FromHeader::new("x-user").or(ApiKey::header("x-api-key")));
    let (limited, _) = service(&layer).await;
    for (name, value) in [
        ("x-user", "alice"),
        ("x-user", "bob"),
        ("x-api-key", "alice"),
        ("x-api-key", "k"),
    ] {
        assert_eq!(ask(&limited, with(name, value)).await.status(), StatusCode::OK);
        assert_eq!(ask(&limited, with(name, value)).await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    let nobody = ask(&limited, from("203.0.113.7", "/x")).await;
    assert_eq!(nobody.status(), StatusCode::FORBIDDEN, "who does not say is refused, as the rule says");
}

#[tokio::test]
async fn what_an_inner_layer_has_told_goes_on() {
    let layer = Front::new(engine(ONE_RULE).0);
    let (limited, _) = service(&layer).await;
    let told = ask(&limited, from("203.0.113.7", "/told")).await;
    let lines: Vec<_> = told.headers().get_all("ratelimit").iter().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], "\"inner\";r=1;t=1");
}

#[tokio::test]
async fn the_client_behind_a_trusted_proxy_is_counted() {
    let rules = "client_ip: { trusted_proxies: [10.0.0.0/8] }\n".to_owned() + ONE_RULE;
    let (limited, _) = service(&Front::new(engine(&rules).0)).await;
    let forwarded = |peer: &str, client: &'static str| {
        let mut request = from(peer, "/x");
        request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static(client));
        request
    };
    for _ in 0..2 {
        assert_eq!(ask(&limited, forwarded("10.0.0.1", "203.0.113.7")).await.status(), StatusCode::OK);
    }
    let spoofed = forwarded("10.0.0.2", "1.2.3.4, 203.0.113.7");
    assert_eq!(ask(&limited, spoofed).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let direct = forwarded("203.0.113.7", "192.0.2.1");
    assert_eq!(ask(&limited, direct).await.status(), StatusCode::TOO_MANY_REQUESTS, "not a proxy of ours");
}

#[tokio::test]
async fn a_layer_that_knows_no_peer_says_so() {
    let layer = Front::new(engine(ONE_RULE).0);
    let nobody = || {
        let mut request = from("203.0.113.7", "/x");
        request.extensions_mut().clear();
        request
    };
    let answer = ask(&service(&layer).await.0, nobody()).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(text(answer).await.contains("use allow_unknown_peer()"));
    let answer = ask(&service(&layer.allow_unknown_peer()).await.0, nobody()).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_ambiguous_host_is_refused() {
    let (limited, served) = service(&Front::new(engine(ONE_RULE).0)).await;
    let mut request = from("203.0.113.7", "http://a.example/x");
    request.headers_mut().insert("host", HeaderValue::from_static("b.example"));
    assert_eq!(ask(&limited, request).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(served.load(Ordering::Relaxed), 0);
}
