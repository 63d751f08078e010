//! What the policy says of how the client's address is found.

use std::fmt;

use ipnet::IpNet;

use crate::decode::{FromText, Wrong};
use crate::key::header_name;

/// How the client is told from its proxies.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientIp {
    /// The proxies whose header is believed; without any, the peer is the client.
    pub trusted_proxies: Vec<IpNet>,
    /// The one header that is read.
    pub header: ClientHeader,
    /// Count this many proxies from the right, instead of walking past the trusted ones.
    pub hops: Option<u8>,
    /// How much of an IPv6 address is one client, 1 to 128; 64 by default.
    pub ipv6_prefix: u8,
    /// How much of an IPv4 address is one client, 1 to 32; 32 by default.
    pub ipv4_prefix: u8,
}

impl Default for ClientIp {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            header: ClientHeader::XForwardedFor,
            hops: None,
            ipv6_prefix: 64,
            ipv4_prefix: 32,
        }
    }
}

/// The header that names the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// Another header that holds addresses, in lower case, such as `cf-connecting-ip`.
    Other(String),
}

impl fmt::Display for ClientHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
            Self::Other(name) => name,
        })
    }
}

impl FromText for ClientHeader {
    const EXPECTED: &'static str = "a header such as x-forwarded-for";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        Ok(match header_name(text.trim())?.as_str() {
            "x-forwarded-for" => Self::XForwardedFor,
            "forwarded" => Self::Forwarded,
            name => Self::Other(name.to_owned()),
        })
    }
}
