//! What the server answers over the Redis protocol, so that any client of Redis is a client.

mod access;
mod client;
mod command;
mod connection;
mod decide;
mod describe;
mod greet;
mod refused;
mod rule;
mod session;
mod stats;
mod throttle;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use self::connection::Connection;
pub(crate) use self::stats::RedisStats;
use crate::app::App;
use crate::listen::{Closed, Serves, Shared};

/// The Redis protocol on a connection.
#[derive(Clone, Debug)]
pub(crate) struct RedisFront {
    pub(crate) app: Arc<App>,
    /// How long a connection may ask nothing.
    pub(crate) idle_timeout: Duration,
}

impl Serves for RedisFront {
    async fn serve<S>(self, stream: S, _peer: IpAddr, shared: &Arc<Shared>, deadline: Instant) -> Closed
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let mut connection = Connection::new(stream, &self, shared);
        tokio::select! {
            biased;
            closed = connection.run(deadline) => closed,
            closed = shared.cut() => closed,
        }
    }
}
