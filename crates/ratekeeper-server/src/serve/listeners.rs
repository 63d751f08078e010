//! Where a server listens.

use std::net::SocketAddr;
use std::sync::Arc;

use super::activation;
use crate::app::Tokens;
use crate::failure::Failure;
use crate::listen::{BindError, Listener, TlsSource};
use crate::settings::Settings;

/// All listeners, by what is spoken on them.
#[derive(Debug)]
pub(super) struct Listeners {
    /// HTTP, and gRPC with it.
    pub(super) http: Vec<Listener>,
    pub(super) redis: Vec<Listener>,
}

impl Listeners {
    /// Those of the settings; in the place of `listen` and `proxy_protocol` the ones that systemd hands over, if it does. Who
    /// has configured nothing minds no other port.
    ///
    /// # Errors
    /// If an address cannot be bound.
    pub(super) fn bind(
        settings: &Settings,
        tls: Option<&Arc<TlsSource>>,
        any_port: bool,
    ) -> Result<Self, Failure> {
        let handed = activation::listeners().map_err(|error| Failure::start("socket activation", error))?;
        let mut http = if handed.is_empty() {
            let bind = |address: SocketAddr| match Listener::bind(address) {
                Err(_) if any_port => Listener::bind(SocketAddr::new(address.ip(), 0)),
                bound => bound,
            };
            bound(&settings.listen, &settings.proxy_protocol.listen, bind)?
        } else {
            handed
        };
        http.extend(bound(&settings.envoy.listen, &[], Listener::bind)?);
        let redis = &settings.redis;
        let redis = bound(&redis.listen, &redis.proxy_protocol_listen, Listener::bind)?;
        let with_tls =
            |listeners: Vec<Listener>| listeners.into_iter().map(|listener| listener.with_tls(tls.cloned()));
        Ok(Self { http: with_tls(http).collect(), redis: with_tls(redis).collect() })
    }

    pub(super) fn warn_of_exposure(&self, tokens: &Tokens) {
        for (address, is_tls) in addresses(&self.http).into_iter().chain(addresses(&self.redis)) {
            if !address.ip().is_loopback() && (tokens.check.is_empty() || !is_tls) {
                tracing::warn!(
                    %address,
                    "others than this machine can reach the server: configure check_tokens and tls, or a network that \
                     only your services share"
                );
            }
        }
    }
}

/// Where they listen, and whether they speak TLS.
pub(super) fn addresses(listeners: &[Listener]) -> Vec<(SocketAddr, bool)> {
    let addresses = listeners.iter().map(|listener| Some((listener.address().ok()?, listener.is_tls())));
    addresses.flatten().collect()
}

fn bound(
    plain: &[SocketAddr],
    proxied: &[SocketAddr],
    bind: impl Fn(SocketAddr) -> Result<Listener, BindError>,
) -> Result<Vec<Listener>, Failure> {
    let plain = plain.iter().map(|address| bind(*address));
    let proxied = proxied.iter().map(|address| Listener::bind(*address).map(Listener::with_proxy_protocol));
    plain.chain(proxied).collect::<Result<_, _>>().map_err(Failure::start_alone)
}
