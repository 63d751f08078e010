//! Stores over a network, for limits that hold for all processes together.
//!
//! A store is made from its url, inside a tokio runtime; the server behind it need not be up. [`Wrappers`] put around it what
//! keeps a service answering while the store does not: a deadline, a breaker, coalescing, a short cache of refusals.
//!
//! ```no_run
//! # #[cfg(feature = "redis")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use ratekeeper::remote::{RedisStore, Wrappers};
//! use ratekeeper::{Key, Limit, Micros, StoreExt};
//!
//! let store = Wrappers::default().wrap(Arc::new(RedisStore::new("redis://127.0.0.1:6379")?));
//! let limit = Limit::token_bucket(100, Micros::MINUTE)?;
//! match store.take(Key::new(b"alice")?, &limit, 1).await {
//!     Ok(verdict) if verdict.allowed => println!("{} left", verdict.remaining),
//!     Ok(verdict) => println!("refused, retry after {:?}", verdict.retry_after),
//!     Err(error) => println!("no answer, so decide yourself: {error}"),
//! }
//! # Ok(()) }
//! ```
//!
//! An engine takes them by the names of its policy: `Engine::builder(policy).store("shared", Arc::new(store))`. Then each
//! rule says what happens when its store fails.

#[cfg(feature = "dynamodb")]
pub use ratekeeper_dynamodb::{DynamoDbConfig, DynamoDbStore, SdkConfig};
#[cfg(feature = "memcached")]
pub use ratekeeper_memcached::MemcachedStore;
#[cfg(feature = "postgres")]
pub use ratekeeper_postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use ratekeeper_redis::RedisStore;
pub use ratekeeper_store::{
    Breaker, BreakerConfig, BreakerState, Coalesce, CoalesceConfig, Deadline, DenyCache, Parts, Wrapped,
    WrapperStats, Wrappers, apply_in_parts,
};
