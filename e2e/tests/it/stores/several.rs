//! Requests whose rules live in several stores.

use serde_json::{Value, json};
use testservers::{Memcached, Postgres, Redis};

use crate::client::Client;
use crate::server::Home;

/// What the rules say, in the order of the policy: `(allowed, remaining, degraded)`.
async fn check(client: &mut Client) -> (bool, Vec<(Value, Value, Value)>) {
    let body = json!({ "attributes": { "user": "alice" } });
    let answer = client.post("/v1/check", &body).await.unwrap().json();
    let limits = answer["limits"].as_array().unwrap().iter();
    let lines =
        limits.map(|limit| (limit["allowed"].clone(), limit["remaining"].clone(), limit["degraded"].clone()));
    (answer["allowed"] == true, lines.collect())
}

fn says(allowed: bool, remaining: u64) -> (Value, Value, Value) {
    (allowed.into(), remaining.into(), Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_store_refuses_the_others_get_back_and_a_lost_one_skips_nobody() {
    let (redis, postgres, memcached) = (Redis::start(), Postgres::start(), Memcached::start());
    let policy = format!(
        "stores:
  redis: {{ url: \"{}\", deadline: 5s, deny_cache: false }}
  postgres: {{ url: \"{}\", deadline: 5s, deny_cache: false }}
  memcached: {{ url: \"memcached://{}\", deadline: 5s, deny_cache: false }}
rules:
  - {{ name: a, key: [user], store: redis, on_store_error: allow, limits: [ 9 per 365 days burst 9 ] }}
  - {{ name: b, key: [user], store: postgres, limits: [ 8 per 365 days (sliding_window) ] }}
  - {{ name: c, key: [user], store: memcached, limits: [ 2 per 365 days (fixed_window) ] }}
  - {{ name: d, key: [user], limits: [ 7 per 365 days burst 7 ] }}
",
        redis.url(),
        postgres.url(),
        memcached.address()
    );
    let server = Home::new(&policy).start(&[]).await;
    let mut client = server.client().await;
    assert_eq!(
        check(&mut client).await,
        (true, vec![says(true, 8), says(true, 7), says(true, 1), says(true, 6)])
    );
    assert_eq!(
        check(&mut client).await,
        (true, vec![says(true, 7), says(true, 6), says(true, 0), says(true, 5)])
    );
    for _ in 0..3 {
        let refused = vec![says(true, 7), says(true, 6), says(false, 0), says(true, 5)];
        assert_eq!(check(&mut client).await, (false, refused), "nothing is spent");
    }
    redis.kill();
    let (allowed, lines) = check(&mut client).await;
    assert!(!allowed, "the rules of the other stores still count");
    assert_eq!(lines[0], (true.into(), Value::Null, "allowed".into()));
    assert_eq!(lines[1..], [says(true, 6), says(false, 0), says(true, 5)]);
}
