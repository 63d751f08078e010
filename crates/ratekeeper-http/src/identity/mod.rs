//! Who is asking: the client, told from its proxies.

mod forwarded;
mod hop;
mod lines;

use std::net::IpAddr;

use ratekeeper_policy::{ClientHeader, ClientIp, canonical_ip};

use self::hop::Hop;
use self::lines::Hops;
use crate::Headers;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address in its one form: the last one that somebody trustworthy vouches for.
    pub ip: IpAddr,
    /// Why the address may be that of a proxy.
    pub degraded: Option<Degradation>,
}

/// Why the walk through the proxies ended before it came to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Degradation {
    /// A trusted proxy sent no such header.
    HeaderMissing,
    /// A hop that is no address: garbage, with a port or a zone, octal, empty.
    Unparsable,
    /// A hop that hides: `unknown`, or an obfuscated name such as `_proxy7`.
    Hidden,
    /// Fewer hops than the policy counts.
    TooFewHops,
    /// More hops, or longer ones, than are looked at.
    TooLong,
}

impl Degradation {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::HeaderMissing,
        Self::Unparsable,
        Self::Hidden,
        Self::TooFewHops,
        Self::TooLong,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeaderMissing => "header_missing",
            Self::Unparsable => "unparsable",
            Self::Hidden => "hidden",
            Self::TooFewHops => "too_few_hops",
            Self::TooLong => "too_long",
        }
    }
}

/// Whether the policy believes what this peer says of the client.
#[must_use]
pub fn is_trusted(peer: IpAddr, config: &ClientIp) -> bool {
    trusts(canonical_ip(peer), config)
}

fn trusts(canonical: IpAddr, config: &ClientIp) -> bool {
    config.trusted_proxies.iter().any(|network| network.contains(&canonical))
}

/// Who asks, when `peer` is the other end of the connection.
///
/// A peer that is no trusted proxy is the client, whatever its headers say. Else all lines of the one configured header are
/// read from right to left, past trusted proxies; the first address that is none of them is the client. With
/// [`hops`](ClientIp::hops) it is the one at that place from the right. Where a hop cannot be read the walk ends at the
/// last address that was vouched for: nothing to the left of it can be believed.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use ratekeeper_http::client;
/// let mut config = ratekeeper_policy::ClientIp::default();
/// config.trusted_proxies = vec!["10.0.0.0/8".parse()?];
/// let mut headers = HeaderMap::new();
/// headers.append("x-forwarded-for", HeaderValue::from_static("1.2.3.4, 203.0.113.7"));
/// headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.2"));
/// let asking = client("10.0.0.1".parse()?, &headers, &config);
/// assert_eq!(asking.ip.to_string(), "203.0.113.7");
/// assert_eq!(client("192.0.2.9".parse()?, &headers, &config).ip.to_string(), "192.0.2.9");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn client<H: Headers + ?Sized>(peer: IpAddr, headers: &H, config: &ClientIp) -> Client {
    let peer = canonical_ip(peer);
    if !trusts(peer, config) {
        return Client { ip: peer, degraded: None };
    }
    let name = match &config.header {
        ClientHeader::XForwardedFor => "x-forwarded-for",
        ClientHeader::Forwarded => "forwarded",
        ClientHeader::Other(name) => name.as_str(),
        // A header that this version does not know is not believed.
        _ => return Client { ip: peer, degraded: Some(Degradation::HeaderMissing) },
    };
    let read = if config.header == ClientHeader::Forwarded {
        forwarded::hop
    } else {
        Hop::parse
    };
    walk(peer, Hops::new(headers, name, config.header == ClientHeader::Forwarded), read, config)
}

fn walk(peer: IpAddr, mut hops: Hops<'_>, read: fn(&[u8]) -> Hop, config: &ClientIp) -> Client {
    let ends = |ip, degraded| Client { ip, degraded: Some(degraded) };
    let mut vouched = peer;
    let mut seen = 0_u8;
    for text in hops.by_ref() {
        match read(text) {
            Hop::Address(ip) => vouched = ip,
            Hop::Hidden => return ends(vouched, Degradation::Hidden),
            Hop::Unparsable => return ends(vouched, Degradation::Unparsable),
        }
        seen += 1;
        let arrived = match config.hops {
            Some(count) => seen == count,
            None => !trusts(vouched, config),
        };
        if arrived {
            return Client { ip: vouched, degraded: None };
        }
    }
    match config.hops {
        _ if hops.is_cut() => ends(vouched, Degradation::TooLong),
        _ if seen == 0 => ends(vouched, Degradation::HeaderMissing),
        Some(_) => ends(vouched, Degradation::TooFewHops),
        // All of them are proxies of ours: the leftmost asks for itself.
        None => Client { ip: vouched, degraded: None },
    }
}

#[cfg(test)]
mod tests;
