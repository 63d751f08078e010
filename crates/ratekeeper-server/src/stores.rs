//! The stores that a policy may name: one line each.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use ratekeeper_dynamodb::{DynamoDbConfig, DynamoDbStore};
use ratekeeper_memcached::MemcachedStore;
use ratekeeper_policy::{Secret, StoreConfig, StoreKind};
use ratekeeper_postgres::PostgresStore;
use ratekeeper_redis::RedisStore;
use ratekeeper_store::{
    BreakerConfig, CoalesceConfig, MemoryStore, Store, StoreError, Wrapped, WrapperStats, Wrappers,
};

/// The store itself, which is not asked anything yet.
///
/// # Errors
/// If its url is wrong.
pub(crate) fn bare(config: &StoreConfig) -> Result<Arc<dyn Store>, StoreError> {
    let url = config.url.as_ref().map_or("", Secret::reveal);
    Ok(match config.kind {
        StoreKind::Memory => Arc::new(MemoryStore::default()),
        StoreKind::Redis => Arc::new(RedisStore::new(url)?),
        StoreKind::Postgres => Arc::new(PostgresStore::new(url)?),
        StoreKind::Memcached => Arc::new(MemcachedStore::new(url)?),
        StoreKind::Dynamodb => Arc::new(DynamoDbStore::new(url, DynamoDbConfig::default())?),
    })
}

/// The stores of the policies of a server, and what their wrappers have seen.
#[derive(Debug, Default)]
pub(crate) struct Stores(Mutex<Vec<(String, Weak<Wrapped>)>>);

impl Stores {
    /// The store under this name with its wrappers.
    ///
    /// # Errors
    /// If its url is wrong.
    pub(crate) fn connect(&self, name: &str, config: &StoreConfig) -> Result<Arc<dyn Store>, StoreError> {
        let wrapped = Arc::new(wrappers(config).wrap(bare(config)?));
        self.0.lock().push((name.to_owned(), Arc::downgrade(&wrapped)));
        Ok(wrapped)
    }

    /// What the wrappers of every store have seen, by the store's name. Stores that no policy has any more are gone; of two
    /// under one name, while requests of the policy before go on, it is the newer one's.
    pub(crate) fn stats(&self) -> BTreeMap<String, WrapperStats> {
        let mut stores = self.0.lock();
        stores.retain(|(_, store)| store.strong_count() > 0);
        let stats = stores.iter().filter_map(|(name, store)| Some((name.clone(), store.upgrade()?.stats())));
        stats.collect()
    }
}

fn wrappers(config: &StoreConfig) -> Wrappers {
    Wrappers {
        deadline: Some(Duration::from_micros(config.deadline.get())),
        breaker: config.breaker.then(BreakerConfig::default),
        coalesce: config.coalesce.then(CoalesceConfig::default),
        deny_cache: config.deny_cache,
    }
}
