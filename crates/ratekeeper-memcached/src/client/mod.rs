//! A client of memcached's meta commands: many callers share one connection to each node.
//!
//! What there is on crates.io lends a connection to one caller at a time; a rate limiter asks little and often, from
//! many tasks at once, and each may give up waiting. Here commands of all callers go out together, and replies come
//! back in their order: who has gone by then is passed over.

mod address;
mod connection;
mod login;
mod node;
mod reply;
mod request;

pub(crate) use address::Address;
pub(crate) use login::Login;
pub(crate) use node::{Node, jitter};
pub(crate) use reply::{LARGEST_VALUE, Reply};
