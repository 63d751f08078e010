//! Stores that are slow, gone or promoted, while the server is asked all the time.

use std::time::Duration;

use testservers::{Cluster, Memcached, Postgres, Process, Redis};

use crate::hammer::{Hammer, Tally};
use crate::server::Home;

/// How long a store may take.
const DEADLINE: Duration = Duration::from_millis(100);
/// No answer takes longer, on a machine that does much else. What it takes in quiet is in the guide.
const MOST: Duration = Duration::from_secs(2);

fn policy(url: &str, on_store_error: &str) -> String {
    format!(
        "stores: {{ shared: {{ url: \"{url}\", deadline: {}ms }} }}
rules: [{{ name: a, key: [user], store: shared, on_store_error: {on_store_error}, local_share: 1/2,
           limits: [ 1000 per 365 days burst 1000 ] }}]
",
        DEADLINE.as_millis()
    )
}

fn all_in_time(tally: &Tally) {
    let slowest = tally.slowest();
    assert!(slowest < MOST, "the slowest of {} answers took {slowest:?}", tally.answered());
}

/// A store that hangs, then goes on, then is killed, then comes back: every request is answered, the local limiter limits,
/// and the store is asked again by itself.
async fn the_server_answers_throughout(url: &str, process: &Process) {
    let home = Home::new(&policy(url, "local"));
    let server = home.start(&[]).await;
    let hammer = Hammer::start(server.address, 8);
    hammer.until("the store decides", |tally| tally.answered() - tally.degraded > 100).await;
    let before = hammer.take().await;

    process.pause();
    hammer.until("it decides by itself", |tally| tally.degraded > 600).await;
    let during = hammer.take().await;
    all_in_time(&during);
    process.resume();
    hammer
        .until("the store decides again", |tally| tally.answered() - tally.degraded > 200)
        .await;
    let between = hammer.take().await;

    process.kill();
    hammer.until("it decides by itself", |tally| tally.degraded > 600).await;
    let gone = hammer.take().await;
    all_in_time(&gone);
    process.restart();
    hammer
        .until("the store decides again", |tally| tally.answered() - tally.degraded > 200)
        .await;
    let after = hammer.stop().await;

    let phases = [&before, &during, &between, &gone, &after];
    let locally: u64 = phases.iter().map(|tally| tally.allowed_locally).sum();
    assert_eq!(locally, 500, "half of the limit, once: {}", server.log());
    let by_the_store: u64 = phases[..3].iter().map(|tally| tally.allowed - tally.allowed_locally).sum();
    assert!(by_the_store <= 1000, "{by_the_store}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_while_redis_hangs_and_is_gone() {
    let redis = Redis::start();
    the_server_answers_throughout(&redis.url(), &redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_while_postgres_is_gone() {
    let postgres = Postgres::start();
    // What hangs here is the postmaster alone: its backends, which answer, do not.
    let home = Home::new(&policy(&postgres.url(), "local"));
    let server = home.start(&[]).await;
    let hammer = Hammer::start(server.address, 8);
    hammer.until("the store decides", |tally| tally.answered() - tally.degraded > 100).await;
    postgres.kill();
    _ = hammer.take().await;
    hammer.until("it decides by itself", |tally| tally.degraded > 600).await;
    all_in_time(&hammer.take().await);
    postgres.restart();
    hammer
        .until("the store decides again", |tally| tally.answered() - tally.degraded > 100)
        .await;
    all_in_time(&hammer.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_while_memcached_hangs_and_is_gone() {
    let memcached = Memcached::start();
    the_server_answers_throughout(&format!("memcached://{}", memcached.address()), &memcached).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_may_deny_or_allow_while_its_store_is_gone() {
    for (what, allows) in [("deny", false), ("allow", true)] {
        let redis = Redis::start();
        let home = Home::new(&policy(&redis.url(), what));
        let server = home.start(&[]).await;
        let hammer = Hammer::start(server.address, 4);
        hammer.until("the store decides", |tally| tally.answered() - tally.degraded > 20).await;
        redis.kill();
        hammer.until("it is gone", |tally| tally.degraded > 0).await;
        _ = hammer.take().await;
        hammer.more(200).await;
        let tally = hammer.stop().await;
        all_in_time(&tally);
        assert_eq!(tally.allowed_locally, if allows { tally.degraded } else { 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_loses_a_master_under_load_loses_little_and_heals() {
    let cluster = Cluster::start();
    let nodes: Vec<_> = cluster.nodes().iter().map(|node| node.address().to_string()).collect();
    let home = Home::new(&policy(&format!("redis-cluster://{}", nodes.join(",")), "deny"));
    let server = home.start(&[]).await;
    let hammer = Hammer::start(server.address, 8);
    hammer.until("half of the limit is used", |tally| tally.allowed >= 500).await;
    // The hash tag of the subject: its text with the length before it.
    let master = cluster.master_of_slot(cluster.slot("{5:alice}"));
    // A replica that is far behind, as it is after a machine too busy has made the cluster change roles, would lose far more:
    // all that it has not heard.
    master.replicated_command(&["SET", "{5:alice}:mark", "1"]);
    let at_the_kill = hammer.so_far().await;
    master.kill();
    hammer
        .until("its replica is promoted", |tally| {
            tally.degraded > 0 && tally.answered() - tally.degraded > at_the_kill.answered() + 1200
        })
        .await;
    let tally = hammer.stop().await;
    all_in_time(&tally);
    // What the promoted replica had not seen yet is admitted once more: what was admitted in the last moment before.
    assert!((1000..=1100).contains(&tally.allowed), "{} were admitted of 1000", tally.allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_before_its_store_does() {
    let behind = Redis::start();
    behind.kill();
    let home = Home::new(&policy(&behind.url(), "local"));
    let server = home.start(&[]).await;
    let hammer = Hammer::start(server.address, 2);
    hammer.until("it decides by itself", |tally| tally.degraded > 50).await;
    behind.restart();
    hammer.until("the store decides", |tally| tally.answered() - tally.degraded > 50).await;
    all_in_time(&hammer.stop().await);
}
