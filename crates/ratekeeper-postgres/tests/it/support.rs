//! What the tests share.

use std::time::Duration;

use ratekeeper_core::{Key, Limit, Micros, Op};
use ratekeeper_postgres::PostgresStore;
use ratekeeper_store::{Batch, Check, Store as _, StoreError, StoreExt as _};
use testservers::Postgres;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, timeout};

/// A limit that gives nothing back while a test runs.
pub(crate) fn slow(count: u64) -> Limit {
    Limit::token_bucket(count, Micros::new(1 << 49)).unwrap()
}

pub(crate) fn key(bytes: &[u8]) -> Key<'_> {
    Key::new(bytes).unwrap()
}

/// A store over a URL, in the runtime that is entered.
pub(crate) fn store(url: &str) -> PostgresStore {
    PostgresStore::new(url).unwrap()
}

/// The shared server, with a schema of its own.
pub(crate) fn url(schema: &str) -> String {
    format!("{}?schema={schema}", Postgres::shared().url())
}

/// Runs a test, which is given up after a minute.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = Runtime::new().unwrap();
    let outcome = runtime.block_on(async { timeout(Duration::from_secs(60), test).await });
    outcome.expect("a test takes less than a minute")
}

/// Takes one, and tells whether it was let through.
pub(crate) async fn take(
    store: &PostgresStore,
    name: &str,
    limit: &Limit,
    cost: u64,
) -> Result<bool, StoreError> {
    Ok(store.take(key(name.as_bytes()), limit, cost).await?.allowed)
}

/// Takes one of every key, all or nothing.
pub(crate) async fn take_all(
    store: &PostgresStore,
    names: &[String],
    limit: &Limit,
) -> Result<bool, StoreError> {
    let mut batch = Batch::new();
    batch.push(Op::Take, names.iter().map(|name| Check::new(key(name.as_bytes()), limit, 1)));
    store.apply(&mut batch).wait().await?;
    Ok(batch.units()[0].passes)
}

/// Waits until `found` finds something, for half a minute at most.
pub(crate) async fn eventually<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if let Some(found) = found().await {
            return found;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("not in time: {what}");
}
