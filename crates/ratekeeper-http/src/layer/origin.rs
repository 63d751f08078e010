//! What the server in front of the layer tells of a request.

use std::net::IpAddr;

use http::Extensions;

use crate::Peer;

/// The TCP peer of a request, by whichever extension names it.
pub(super) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    if let Some(Peer(ip)) = extensions.get() {
        return Some(*ip);
    }
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) =
        extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>()
    {
        return Some(address.ip());
    }
    #[cfg(feature = "tonic")]
    if let Some(address) = tonic_peer(extensions) {
        return Some(address.ip());
    }
    None
}

#[cfg(feature = "tonic")]
fn tonic_peer(extensions: &Extensions) -> Option<std::net::SocketAddr> {
    use tonic::transport::server::TcpConnectInfo;
    extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr)
}

/// The route template that matched.
pub(super) fn route(extensions: &Extensions) -> Option<&str> {
    #[cfg(feature = "axum")]
    if let Some(path) = extensions.get::<axum::extract::MatchedPath>() {
        return Some(path.as_str());
    }
    let _ = extensions;
    None
}
