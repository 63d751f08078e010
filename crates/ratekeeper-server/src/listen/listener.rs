//! Where connections come from.

use std::net::SocketAddr;
use std::sync::Arc;
use std::{fmt, io};

use tokio::net::TcpListener;

use super::tls::TlsSource;

/// A bound address, and how its connections begin.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(super) socket: TcpListener,
    pub(super) tls: Option<Arc<TlsSource>>,
    /// Whether every connection begins with a PROXY protocol header.
    pub(super) proxy_protocol: bool,
}

/// An address could not be bound.
#[derive(Debug, thiserror::Error)]
pub(crate) struct BindError {
    address: SocketAddr,
    source: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, source } = self;
        let help = match source.kind() {
            io::ErrorKind::AddrInUse => {
                "; another program listens there: choose another address with --listen"
            }
            io::ErrorKind::PermissionDenied => {
                "; ports below 1024 need a privilege: choose another with --listen"
            }
            io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
            _ => "",
        };
        write!(f, "cannot listen on {address}: {source}{help}")
    }
}

impl Listener {
    /// Binds an address. Call it inside of a runtime.
    ///
    /// # Errors
    /// If the address is taken, or may not be bound.
    pub(crate) fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bound = std::net::TcpListener::bind(address).and_then(Self::from_std);
        bound.map_err(|source| BindError { address, source })
    }

    /// A socket that was bound by somebody else, such as systemd.
    pub(crate) fn from_std(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket: TcpListener::from_std(socket)?, tls: None, proxy_protocol: false })
    }

    #[must_use]
    pub(crate) fn with_tls(mut self, tls: Option<Arc<TlsSource>>) -> Self {
        self.tls = tls;
        self
    }

    #[must_use]
    pub(crate) fn with_proxy_protocol(mut self) -> Self {
        self.proxy_protocol = true;
        self
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}
