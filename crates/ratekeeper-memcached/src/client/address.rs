//! Where a node listens.

use std::fmt;

use tokio::io;
use tokio::net::{TcpStream, UnixStream};

use super::connection::Connection;

/// A node's address; its text is also its name, by which keys are placed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    /// `host:port`.
    Tcp(String),
    /// The path of a socket.
    Unix(String),
}

impl Address {
    pub(super) async fn connect(&self) -> io::Result<Connection> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let (read, write) = stream.into_split();
                Ok(Connection::new(read, write))
            }
            Self::Unix(path) => {
                let (read, write) = UnixStream::connect(path).await?.into_split();
                Ok(Connection::new(read, write))
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Tcp(text) | Self::Unix(text)) = self;
        f.write_str(text)
    }
}
