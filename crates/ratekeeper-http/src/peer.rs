//! The other end of the connection.

use std::net::IpAddr;

/// The address of the TCP peer of a connection, as an extension of its requests: the client itself, or its last proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);
