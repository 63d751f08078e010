//! The server over every store, while they work and while they do not.

mod commands;
mod exact;
mod failing;
mod several;

use testservers::{Cluster, DynamoDb, Memcached, Postgres, Redis};

/// A store, and the server behind it for as long as the test needs it.
pub(crate) struct Behind {
    pub(crate) url: String,
    _servers: Box<dyn std::any::Any>,
}

impl Behind {
    fn new(url: String, servers: impl std::any::Any) -> Self {
        Self { url, _servers: Box::new(servers) }
    }

    pub(crate) fn redis() -> Self {
        let server = Redis::start();
        Self::new(server.url(), server)
    }

    pub(crate) fn cluster() -> Self {
        let servers = Cluster::start();
        let nodes: Vec<_> = servers.nodes().iter().map(|node| node.address().to_string()).collect();
        Self::new(format!("redis-cluster://{}", nodes.join(",")), servers)
    }

    pub(crate) fn postgres() -> Self {
        let server = Postgres::start();
        Self::new(server.url(), server)
    }

    pub(crate) fn memcached() -> Self {
        let servers = [Memcached::start(), Memcached::start()];
        let nodes: Vec<_> = servers.iter().map(|node| node.address().to_string()).collect();
        Self::new(format!("memcached://{}", nodes.join(",")), servers)
    }

    pub(crate) fn dynamodb() -> Self {
        let server = DynamoDb::start();
        let url = format!("dynamodb://limits?region=us-east-1&endpoint={}&create=true", server.url());
        Self::new(url, server)
    }
}
