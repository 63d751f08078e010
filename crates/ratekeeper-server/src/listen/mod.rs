//! Connections: accepted within a cap, bounded in time and memory, and drained without losing an answer.

mod accept;
mod connection;
mod drain;
mod limits;
mod listener;
mod proxy_protocol;
mod stats;
mod tls;

pub(crate) use accept::{Accepting, Shared, Trust};
pub(crate) use connection::{Answers, Serves};
pub(crate) use drain::{Drain, Drained};
pub(crate) use limits::Limits;
pub(crate) use listener::{BindError, Listener};
pub(crate) use stats::{Closed, ConnectionStats};
pub(crate) use tls::{TlsFiles, TlsSource};
