//! `/v1/authorize`: what a proxy asks before it lets a request through.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use tokio::time::Instant;

use crate::client::{Answer, Client};
use crate::server::Home;

const POLICY: &str = "
client_ip: { trusted_proxies: [127.0.0.1] }
rules:
  - { name: posts, match: { methods: [POST], path: \"/items/{id}\", host: shop.example }, key: [ip], limits: [ 2 per hour ] }
  - { name: dear, match: { path: /dear }, key: [ip], limits: [ 10 per hour ] }
  - { name: queue, match: { path: /queue }, key: [ip], limits: [ { rate: 1 per 300ms, algorithm: leaky_bucket, max_delay: 1s } ] }
";

async fn ask(client: &mut Client, method: Method, query: &str, headers: &[(&str, &str)]) -> Answer {
    let path = format!("/v1/authorize{query}");
    client.send(method, &path, headers, Bytes::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_before_the_proxy_is_the_one_that_counts() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let original = [
        ("x-original-method", "POST"),
        ("x-original-uri", "/items/7?x=/y"),
        ("x-forwarded-host", "shop.example:443"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    for left in [1, 0] {
        let answer = ask(&mut client, Method::GET, "", &original).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert!(answer.header("ratelimit").unwrap().starts_with(&format!("\"posts\";r={left};t=")));
    }
    let refused = ask(&mut client, Method::GET, "", &original).await;
    assert!(refused.problem(429).starts_with("Try again in "));
    assert_eq!(refused.json()["violated-policies"][0], "posts");
    assert!((1790..=1800).contains(&refused.header("retry-after").unwrap().parse::<u64>().unwrap()));
    let nginx = ask(&mut client, Method::GET, "?deny_status=403", &original).await;
    assert!(
        nginx.status == 403 && nginx.header("retry-after").is_some() && nginx.header("ratelimit").is_some()
    );
    // Another method, host, path or client is another question.
    for (place, other) in [
        (0, "GET"),
        (1, "/items/7/8"),
        (2, "other.example"),
        (3, "203.0.113.8"),
    ] {
        let mut asked = original;
        asked[place].1 = other;
        assert_eq!(ask(&mut client, Method::GET, "", &asked).await.status, 200, "{other}");
    }
    let traefik = [
        ("x-forwarded-method", "POST"),
        ("x-forwarded-uri", "/items/9"),
        ("x-forwarded-host", "SHOP.example"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    assert_eq!(
        ask(&mut client, Method::POST, "", &traefik).await.status,
        429,
        "one counter, by either names"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_trusted_is_asked_about_itself() {
    let policy = POLICY.replace("trusted_proxies: [127.0.0.1]", "trusted_proxies: [192.0.2.1]");
    let server = Home::new(&policy).start(&[]).await;
    let mut client = server.client().await;
    for number in 0..3 {
        let address = format!("203.0.113.{number}");
        let claims = [
            ("x-original-method", "POST"),
            ("x-original-uri", "/items/7"),
            ("x-forwarded-host", "shop.example"),
            ("x-forwarded-for", address.as_str()),
        ];
        let answer = ask(&mut client, Method::GET, "", &claims).await;
        assert!(
            answer.status == 200 && answer.header("ratelimit").is_none(),
            "no rule is met by GET /v1/authorize"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_delays_and_wrong_questions() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    let dear = [("x-original-uri", "/dear"), ("x-forwarded-for", "203.0.113.7")];
    assert_eq!(ask(&mut client, Method::GET, "?cost=8", &dear).await.status, 200);
    assert_eq!(ask(&mut client, Method::GET, "?cost=8", &dear).await.status, 429);
    let queue = [("x-original-uri", "/queue"), ("x-forwarded-for", "203.0.113.7")];
    assert_eq!(ask(&mut client, Method::GET, "", &queue).await.status, 200);
    let began = Instant::now();
    assert_eq!(ask(&mut client, Method::GET, "", &queue).await.status, 200);
    assert!(
        began.elapsed() >= Duration::from_millis(200),
        "the queue's delay is waited out: {:?}",
        began.elapsed()
    );
    for query in [
        "?deny_status=200",
        "?deny_status=503",
        "?deny_status=x",
        "?cost=0",
        "?cots=1",
    ] {
        ask(&mut client, Method::GET, query, &[]).await.problem(400);
    }
}

/// A proxy that sets one of two names passes on the other one as its client has made it up.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_behind_a_proxy_cannot_name_another_target() {
    let server = Home::new(POLICY).start(&[]).await;
    let mut client = server.client().await;
    for lines in [
        [("x-original-uri", "/dear"), ("x-original-uri", "/free")],
        [("x-original-uri", "/dear"), ("x-forwarded-uri", "/free")],
        [("x-forwarded-method", "GET"), ("x-original-method", "POST")],
        [
            ("x-forwarded-host", "a.example"),
            ("x-forwarded-host", "b.example"),
        ],
    ] {
        let detail = ask(&mut client, Method::GET, "", &lines).await.problem(400);
        assert!(detail.contains(lines[0].0) && detail.contains("differ"), "{detail}");
    }
    let same = [("x-original-uri", "/x"), ("x-forwarded-uri", "/x")];
    assert_eq!(ask(&mut client, Method::GET, "", &same).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_another_spelling_of_the_same_path() {
    let policy = "
client_ip: { trusted_proxies: [127.0.0.1] }
rules: [ { name: latin, match: { path: \"/caf%e9\" }, key: [ip], limits: [ 1 per hour ] } ]";
    let server = Home::new(policy).start(&[]).await;
    let mut client = server.client().await;
    let mut status = async |target: &[u8]| {
        let target = hyper::header::HeaderValue::from_bytes(target).unwrap();
        client.authorize_target(target).await.unwrap().status
    };
    assert_eq!(status(b"/caf\xe9").await, 200);
    assert_eq!(status(b"/caf%E9?x=\xff").await, 429);
    assert_eq!(status(b"http://x/CAF\xe9").await, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_look_as_the_settings_say() {
    let home = Home::new("rules: [{ name: none, limits: [ 1 per 365 days ] }]");
    home.write(
        "ratekeeper.toml",
        "dialect = \"x-ratelimit\"\n[refusal]\ncontent_type = \"text/html\"\nbody = \"<h1>Later</h1>\"\n",
    );
    let server = home.start(&["--config", "ratekeeper.toml"]).await;
    let mut client = server.client().await;
    let passed = ask(&mut client, Method::GET, "", &[]).await;
    assert_eq!(passed.header("x-ratelimit-limit"), Some("1"));
    assert_eq!(passed.header("x-ratelimit-remaining"), Some("0"));
    let refused = ask(&mut client, Method::GET, "", &[]).await;
    assert_eq!((refused.status, refused.header("content-type")), (429, Some("text/html")));
    assert_eq!(refused.text(), "<h1>Later</h1>");
    assert!(refused.header("ratelimit").is_none() && refused.header("retry-after").is_some());
}
