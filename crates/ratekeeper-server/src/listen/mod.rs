//! Connections: accepted within a cap, bounded in time and memory, and drained without losing an answer.

mod accept;
mod connection;
mod drain;
mod limits;
mod listener;
mod proxy_protocol;
mod stats;
mod tls;

pub(crate) use accept::{Accepting, Trust};
pub(crate) use connection::Answers;
pub(crate) use drain::{Drain, Drained};
pub(crate) use limits::Limits;
pub(crate) use listener::Listener;
pub(crate) use stats::ConnectionStats;
pub(crate) use tls::{TlsFiles, TlsSource};
