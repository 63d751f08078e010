//! Rate limit counters in Memcached: meta commands, compare-and-swap, several nodes.
//!
//! ```no_run
//! use ratekeeper_core::{Key, Limit, Micros};
//! use ratekeeper_memcached::MemcachedStore;
//! use ratekeeper_store::StoreExt;
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemcachedStore::new("memcached://10.0.0.5,10.0.0.6/?prefix=shop:&timeout=250ms")?;
//! let limit = Limit::fixed_window(100, Micros::MINUTE)?;
//! let verdict = store.take(Key::new(b"login:alice")?, &limit, 1).await?;
//! # Ok(()) }
//! ```
//!
//! # URL
//! `memcached://[user:password@]host[:port],…/?parameters`, or `memcached+unix:///path/of/socket?parameters`. Hosts may
//! be names, IPv4 addresses, or IPv6 addresses in brackets; the port is 11211 unless it is given. User and password are
//! those of the file that memcached's `-Y` names. There is no TLS and no SASL.
//!
//! | parameter | what it is | without it |
//! |---|---|---|
//! | `prefix` | what the name of every item begins with | `ratekeeper:` |
//! | `timeout` | how long a node may take to connect, or to answer one command | `1s` |
//! | `skew` | how far the clocks of clients may be apart | `1s` |
//!
//! # How it counts
//! - **Fixed and calendar windows** are one number for each key and window. A check adds its cost and reads the number
//!   in one command (`ma`); a refusal takes it away again, and is debited for that moment. Nothing is ever retried.
//! - **Everything else** is the state of the key as [`codec`](ratekeeper_store::codec) writes it: read (`mg`), decided
//!   over by core's `step`, and written if nobody else has (`ms` with the number that was read), at most five times.
//! - A batch that brings an **instant of its own**, as replays and tests do, counts windows by their state, too, so that
//!   they are exact also where the clock steps back. Ask one key in one way only: the two count apart.
//! - **Several keys** are taken from by themselves, at the same time, and given back if one refuses:
//!   [`apply_in_parts`](ratekeeper_store::apply_in_parts).
//! - A key lives on **one node**, by rendezvous hashing of the names of the nodes. While it is down its keys fail, and
//!   move nowhere: counts would start anew there, and be stale when it is back.
//!
//! Put a [`Coalesce`](ratekeeper_store::Coalesce) around it: its lanes are one for each key, so that the calls of one
//! process for a busy key do not compete with each other.

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
