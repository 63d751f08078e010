//! What the tests share.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ratekeeper_core::{Ask, Key, Limit, Micros, Op};
use ratekeeper_redis::RedisStore;
use ratekeeper_store::testkit::Subject;
use ratekeeper_store::{Batch, Check, Store as _, StoreError, StoreExt as _};
use testservers::{Cluster, Flavour, Redis, RedisOptions, Sentinel};
use tokio::runtime::Runtime;

/// No single call of a test takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One runtime for all tests of this process.
pub(crate) fn runtime() -> &'static Arc<Runtime> {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Arc::new(builder.worker_threads(2).enable_all().build().unwrap())
    })
}

/// Waits for a future, not for ever.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("in time") })
}

pub(crate) fn store(url: &str) -> RedisStore {
    RedisStore::new(url).unwrap()
}

/// A store at `url` as a subject of the suite.
pub(crate) fn subject(url: &str) -> Subject {
    let subject = Subject::new(store(url)).running(|future| runtime().block_on(future));
    subject.with_threads(16).with_effort(20)
}

pub(crate) fn valkey() -> &'static Redis {
    static SHARED: OnceLock<Redis> = OnceLock::new();
    SHARED.get_or_init(|| Redis::with(RedisOptions { flavour: Flavour::Valkey, ..RedisOptions::default() }))
}

/// The cluster that all tests share that do it no harm.
pub(crate) fn cluster() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}

/// The sentinels that all tests share that do no harm to their master.
pub(crate) fn sentinel() -> &'static Sentinel {
    static SHARED: OnceLock<Sentinel> = OnceLock::new();
    SHARED.get_or_init(Sentinel::start)
}

/// The URL of a cluster.
pub(crate) fn cluster_url(cluster: &Cluster) -> String {
    let nodes: Vec<_> = cluster.nodes().iter().map(|node| node.address().to_string()).collect();
    format!("redis-cluster://{}", nodes.join(","))
}

/// The URL of a master that sentinels watch.
pub(crate) fn sentinel_url(sentinel: &Sentinel) -> String {
    let sentinels: Vec<_> = sentinel.sentinels().iter().map(|node| node.address().to_string()).collect();
    format!("redis-sentinel://{}/{}", sentinels.join(","), sentinel.name())
}

/// So much within ten years: nothing comes back during a test.
pub(crate) fn limit(count: u64) -> Limit {
    Limit::token_bucket(count, Micros::new(1 << 48)).unwrap()
}

/// Takes one, waiting for the answer no longer than a request would.
pub(crate) async fn take(store: &RedisStore, key: &[u8], limit: &Limit) -> Result<bool, StoreError> {
    let take = store.take(Key::new(key).unwrap(), limit, 1);
    let verdict = tokio::time::timeout(Duration::from_millis(500), take)
        .await
        .unwrap_or(Err(StoreError::Timeout));
    verdict.map(|verdict| verdict.allowed)
}

/// What is left of a limit.
pub(crate) fn left(store: &RedisStore, key: &[u8], limit: &Limit) -> u64 {
    wait(store.ask(Key::new(key).unwrap(), limit, &Ask::new(Op::Peek, 1))).unwrap().remaining
}

/// Takes one from each of these keys, in one unit.
pub(crate) fn take_all(store: &RedisStore, keys: &[Vec<u8>], limit: &Limit) -> bool {
    let mut batch = Batch::new();
    batch.push(Op::Take, keys.iter().map(|key| Check::new(Key::new(key).unwrap(), limit, 1)));
    wait(store.apply(&mut batch).wait()).unwrap();
    batch.units()[0].passes
}
