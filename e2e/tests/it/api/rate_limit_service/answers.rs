//! What a response says.

use ratekeeper_envoy::Code::{Ok as Passes, OverLimit};
use ratekeeper_envoy::{Duration, RateLimit, RateLimitRequest, RateLimitUnit, Unit, value::Kind};
use tonic::Code;

use super::{codes, descriptor, limited, started, user, web};

const POLICY: &str = "
rules:
  - name: per-user
    match: { domain: web, entries: [user] }
    limits: 3 per day
    envoy: { name: users, metadata: { tier: free, seen: { users: true } } }
  - name: per-path
    match: { domain: web, entries: [path] }
    limits: { rate: 5 per 10s, algorithm: fixed_window }
    envoy: { metadata: { tier: paid, seen: { paths: [1, x] } } }
  - { name: chosen, match: { domain: web, entries: { key: user, value: root } }, limits: unlimited }
";

#[tokio::test(flavor = "multi_thread")]
async fn every_descriptor_has_its_status_in_its_place() {
    let (_home, _server, mut asking) = started(POLICY, &[]).await;
    let descriptors = [
        user("ann"),
        descriptor(&[("nobody", "knows")]),
        user("root"),
        descriptor(&[("path", "/")]),
        descriptor(&[("user", "ann"), ("path", "/")]),
        descriptor(&[]),
    ];
    let response = asking.web(descriptors.clone()).await;
    assert_eq!(codes(&response), (Passes, vec![Passes; 6]));
    let known = &response.statuses[0];
    let limit = RateLimit { name: "users".to_owned(), requests_per_unit: 3, unit: Unit::Day.into() };
    assert_eq!((known.current_limit.as_ref(), known.limit_remaining), (Some(&limit), 2));
    assert!(
        known
            .duration_until_reset
            .as_ref()
            .is_some_and(|reset| (28_000..=28_800).contains(&reset.seconds))
    );
    for unknown in [1, 4, 5] {
        assert_eq!(
            (&response.statuses[unknown].current_limit, response.statuses[unknown].limit_remaining),
            (&None, 0)
        );
    }
    assert_eq!(
        (&response.statuses[2].current_limit, response.statuses[2].limit_remaining),
        (&None, u32::MAX)
    );
    let other = response.statuses[3].current_limit.clone().unwrap();
    assert_eq!((other.requests_per_unit, other.unit(), other.name.as_str()), (5, Unit::Unknown, ""));
    assert!(response.response_headers_to_add.is_empty() && response.dynamic_metadata.is_none());

    for _ in 0..2 {
        asking.web([user("ann")]).await;
    }
    let response = asking.web(descriptors).await;
    assert_eq!(codes(&response), (OverLimit, vec![OverLimit, Passes, Passes, Passes, Passes, Passes]));
    assert_eq!(response.statuses[0].limit_remaining, 0);
    assert!(
        response.statuses[0]
            .duration_until_reset
            .is_some_and(|Duration { seconds, .. }| seconds > 0)
    );

    let elsewhere = RateLimitRequest { domain: "elsewhere".to_owned(), ..web([user("ann")]) };
    let response = asking.ask(elsewhere).await.unwrap();
    assert_eq!(codes(&response), (Passes, vec![Passes]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_told() {
    let (_home, server, mut asking) = started(POLICY, &[]).await;
    let many: Vec<_> = (0..101).map(|number| user(&number.to_string())).collect();
    let cases = [
        (
            RateLimitRequest { domain: String::new(), ..web([user("ann")]) },
            "rate limit domain must not be empty",
        ),
        (web([]), "rate limit descriptor list must not be empty"),
        (web(many.clone()), "descriptors: there are 101; send 100 at most"),
        (
            web([user("ann"), limited(user("bob"), 1, RateLimitUnit::Unknown)]),
            "descriptors[1].limit.unit: it is none of SECOND to YEAR",
        ),
    ];
    for (request, expected) in cases {
        let refused = asking.ask(request).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, expected));
    }
    assert_eq!(asking.left(user("ann")).await, 3, "nothing was taken");
    assert_eq!(asking.web(many.into_iter().skip(1)).await.statuses.len(), 100);
    let mut client = server.client().await;
    assert_eq!(client.metric("ratekeeper_grpc_requests_total{code=\"InvalidArgument\"}").await, 4);
    assert_eq!(client.metric("ratekeeper_grpc_requests_total{code=\"OK\"}").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_metadata_come_where_they_are_asked_for() {
    let settings = [
        "envoy.response_headers=true",
        "envoy.dynamic_metadata=true",
        "envoy.reset_header=X-Again",
    ];
    let (_home, _server, mut asking) = started(POLICY, &settings).await;
    let request = RateLimitRequest {
        hits_addend: 2,
        ..web([
            user("ann"),
            descriptor(&[("path", "/")]),
            limited(descriptor(&[("x", "y"), ("z", "")]), 9, RateLimitUnit::Minute),
        ])
    };
    let response = asking.ask(request).await.unwrap();
    let headers: Vec<_> = response
        .response_headers_to_add
        .iter()
        .map(|header| (header.key.as_str(), header.value.as_str()))
        .collect();
    assert_eq!(headers[..2], [("RateLimit-Limit", "3"), ("RateLimit-Remaining", "1")]);
    assert_eq!(headers[2].0, "X-Again");
    let metadata = serde_json::to_value(response.dynamic_metadata.unwrap()).unwrap();
    let expected = serde_json::json!({
        "domain": "web",
        "descriptors": [
            { "entries": ["user=ann"] },
            { "entries": ["path=/"] },
            { "entries": ["x=y", "z="], "limit": "requests_per_unit:9 unit:MINUTE" },
        ],
        "hitsAddend": 2.0,
        "metadata": { "tier": "free", "seen": { "users": true, "paths": [1.0, "x"] } },
    });
    assert_eq!(metadata, expected);

    asking.web([user("ann")]).await;
    let refused = asking.web([user("ann"), descriptor(&[("path", "/")])]).await;
    assert_eq!(refused.response_headers_to_add[1].value, "0");
    let fields = refused.dynamic_metadata.unwrap().fields;
    let Some(Kind::StructValue(merged)) = fields["metadata"].kind.clone() else {
        panic!("{fields:?}")
    };
    assert_eq!(
        merged.fields["tier"].kind,
        Some(Kind::StringValue("paid".to_owned())),
        "of the one that passes"
    );
}

/// The whole exchange in JSON, as Envoy's own service has it.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_there_in_json() {
    let (_home, server, _) = started(POLICY, &[]).await;
    let mut client = server.client().await;
    let mut post = async |body: &str| {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        client.send(hyper::Method::POST, "/json", &form, body.to_owned().into()).await.unwrap()
    };
    let ask =
        r#"{"domain":"web","descriptors":[{"entries":[{"key":"user","value":"ann"}],"hitsAddend":"3"}]}"#;
    let passed = post(ask).await;
    assert_eq!((passed.status, passed.header("content-type")), (200, Some("application/json")));
    let mut json = passed.json();
    let reset = json["statuses"][0]["durationUntilReset"].take();
    assert!(reset.as_str().is_some_and(|reset| reset.ends_with('s')), "{reset}");
    let limit = serde_json::json!({ "name": "users", "requestsPerUnit": 3, "unit": "DAY" });
    let status = serde_json::json!({ "code": "OK", "currentLimit": limit, "durationUntilReset": null });
    assert_eq!(json, serde_json::json!({ "overallCode": "OK", "statuses": [status] }));
    let refused = post(&ask.replace("hitsAddend", "hits_addend")).await;
    assert_eq!((refused.status, &refused.json()["overallCode"]), (429, &"OVER_LIMIT".into()));
    for (body, expected) in [
        (
            r#"{"domain":"web","descriptors":[{"entries":[{"kee":"user"}]}]}"#,
            "descriptors[0].entries[0]",
        ),
        (r#"{"domain":"web"}"#, "rate limit descriptor list must not be empty"),
        ("domain=web", "expected value"),
        ("", "EOF"),
    ] {
        let detail = post(body).await.problem(400);
        assert!(detail.contains(expected), "{body}: {detail}");
    }
}
