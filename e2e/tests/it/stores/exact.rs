//! Exactly the limit, from two servers that share nothing but a store.

use serde_json::json;

use super::Behind;
use crate::hammer::Hammer;
use crate::server::Home;

/// Two rules over one store: each request is one unit of three limits of three algorithms. Patient, since what is shown
/// here is that nobody gets more, not how long it takes on a machine that does much else.
fn policy(url: &str) -> String {
    format!(
        "stores: {{ shared: {{ url: \"{url}\", deadline: 20s, breaker: false }} }}
rules:
  - {{ name: buckets, key: [user], store: shared, on_store_error: deny, limits: [ 300 per 365 days burst 300 ] }}
  - {{ name: windows, key: [user, method], missing: shared, store: shared, on_store_error: deny,
       limits: [ 400 per 365 days (sliding_window), 500 per 364 days (fixed_window) ] }}
"
    )
}

/// How many of the requests the store did not decide.
async fn two_servers_admit_exactly_the_limit(behind: Behind, asked: u64) -> u64 {
    let home = Home::new(&policy(&behind.url));
    let (one, two) = (home.start(&[]).await, home.start(&[]).await);
    // One goes first, so that what a store makes at first use is made.
    let first = json!({ "attributes": { "user": "nobody" } });
    let answer = one.client().await.post("/v1/check", &first).await.unwrap().json();
    assert_eq!(
        (&answer["allowed"], &answer["degraded"]),
        (&true.into(), &false.into()),
        "{answer}\n{}",
        one.log()
    );
    let hammers = [Hammer::start(one.address, 16), Hammer::start(two.address, 16)];
    for hammer in &hammers {
        hammer.until("enough were asked", |tally| tally.answered() >= asked).await;
    }
    let [one, two] = hammers;
    let (one, two) = (one.stop().await, two.stop().await);
    assert_eq!(one.allowed + two.allowed, 300);
    one.degraded + two.degraded
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_redis_admit_exactly_the_limit() {
    assert_eq!(
        two_servers_admit_exactly_the_limit(Behind::redis(), 2000).await,
        0,
        "the store was there all the time"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_a_redis_cluster_admit_exactly_the_limit() {
    assert_eq!(
        two_servers_admit_exactly_the_limit(Behind::cluster(), 2000).await,
        0,
        "the store was there all the time"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_postgres_admit_exactly_the_limit() {
    assert_eq!(
        two_servers_admit_exactly_the_limit(Behind::postgres(), 2000).await,
        0,
        "the store was there all the time"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_memcached_admit_exactly_the_limit() {
    assert_eq!(
        two_servers_admit_exactly_the_limit(Behind::memcached(), 2000).await,
        0,
        "the store was there all the time"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_dynamodb_admit_exactly_the_limit() {
    // Writes of several keys that meet those of the other server are tried five times, and then denied as the rule says.
    let denied = two_servers_admit_exactly_the_limit(Behind::dynamodb(), 600).await;
    assert!(denied < 300, "{denied} of 1200 were not decided");
}
