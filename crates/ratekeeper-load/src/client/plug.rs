//! Connections of TCP, with TLS or without.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Problem;
use crate::error::LoadError;
use crate::options::{Options, Token};
use crate::target::{Protocol, Target};

/// Where connections go.
pub(crate) struct Plug {
    pub(super) target: Target,
    pub(super) token: Option<Token>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Plug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plug").field("target", &self.target).finish_non_exhaustive()
    }
}

/// Bytes both ways.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

impl Plug {
    /// # Errors
    /// If the roots cannot be read, or the host has no name that a certificate could have.
    pub(crate) fn new(options: &Options) -> Result<Self, LoadError> {
        Self::to(options.target.clone(), options)
    }

    /// To another place, with the same secrets.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn to(target: Target, options: &Options) -> Result<Self, LoadError> {
        let tls = match target.tls {
            false => None,
            true => {
                let name = ServerName::try_from(target.host().to_owned()).map_err(|_| LoadError::Url {
                    option: "--url",
                    reason: "no certificate can have this name",
                })?;
                let config = config(options.ca.as_deref(), target.protocol)?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
        };
        Ok(Self { target, token: options.token.clone(), tls })
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Wire>, Problem> {
        let address = (self.target.host(), self.target.port);
        let stream = TcpStream::connect(address).await.map_err(Problem::connect)?;
        stream.set_nodelay(true).map_err(Problem::connect)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                Ok(Box::new(stream.map_err(|error| Problem::new("tls", error))?))
            }
        }
    }
}

fn config(ca: Option<&Path>, protocol: Protocol) -> Result<ClientConfig, LoadError> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(path) => {
            let wrong = |source| LoadError::Roots { path: path.to_owned(), source };
            let bytes = fs::read(path).map_err(wrong)?;
            let (added, _) = roots
                .add_parsable_certificates(CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok));
            if added == 0 {
                return Err(wrong(io::Error::other("it has no certificate in PEM")));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| LoadError::option(format!("TLS: {error}")))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = match protocol {
        Protocol::Http => vec![b"http/1.1".to_vec()],
        Protocol::Grpc => vec![b"h2".to_vec()],
        Protocol::Redis => Vec::new(),
    };
    Ok(config)
}
