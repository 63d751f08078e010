//! What drives the futures of the stores under test.

use std::sync::{Arc, OnceLock};

use ratekeeper_core::{Ask, Key, Limit, Verdict};
use ratekeeper_memcached::MemcachedStore;
use ratekeeper_store::testkit::Subject;
use ratekeeper_store::{Clock, Store, StoreError, StoreExt as _};
use testservers::Memcached;
use tokio::runtime::{Builder, Runtime};

/// The runtime that all tests share.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

/// The URL of some nodes.
pub(crate) fn url(nodes: &[&Memcached]) -> String {
    let nodes: Vec<_> = nodes.iter().map(|node| node.address().to_string()).collect();
    format!("memcached://{}", nodes.join(","))
}

/// A store made in the runtime.
pub(crate) fn store(url: &str) -> MemcachedStore {
    let _inside = runtime().enter();
    MemcachedStore::new(url).unwrap()
}

/// The same by another clock.
pub(crate) fn store_by(url: &str, clock: Arc<dyn Clock>) -> MemcachedStore {
    let _inside = runtime().enter();
    MemcachedStore::with_clock(url, clock).unwrap()
}

/// A store under examination; other tests run beside this one.
pub(crate) fn subject(store: impl Store + 'static) -> Subject {
    Subject::new(store)
        .running(|future| runtime().block_on(future))
        .with_threads(16)
        .with_effort(15)
}

/// Asks a store, and waits.
pub(crate) fn ask(store: &impl Store, key: &[u8], limit: &Limit, ask: &Ask) -> Result<Verdict, StoreError> {
    runtime().block_on(store.ask(Key::new(key).unwrap(), limit, ask))
}

/// Takes one.
pub(crate) fn take(store: &impl Store, key: &[u8], limit: &Limit) -> Result<Verdict, StoreError> {
    runtime().block_on(store.take(Key::new(key).unwrap(), limit, 1))
}
