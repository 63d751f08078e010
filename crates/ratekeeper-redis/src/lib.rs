//! Rate limit counters in Redis, Redis Cluster, Sentinel or Valkey: one script per batch.

mod cluster;
mod dial;
mod examine;
mod failure;
mod location;
mod node;
mod opened;
mod program;
mod question;
mod script;
mod sentinel;
mod slot;
mod state;
mod store;
mod tls;

pub use store::RedisStore;
