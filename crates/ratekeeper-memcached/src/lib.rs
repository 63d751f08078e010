//! Rate limit counters in Memcached: meta commands, compare-and-swap, several nodes.

mod client;
mod command;
mod comparing;
mod counter;
mod counting;
mod examine;
mod item;
mod lifetime;
mod placement;
mod store;
mod target;

pub use store::MemcachedStore;
