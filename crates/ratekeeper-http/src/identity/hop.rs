//! One hop of a chain of proxies.

use std::net::IpAddr;

use ratekeeper_policy::canonical_ip;

/// What a hop says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hop {
    /// An address, in its one form.
    Address(IpAddr),
    /// That it does not tell: `unknown`, `_obfuscated`.
    Hidden,
    /// Nothing that is an address.
    Unparsable,
}

impl Hop {
    /// A hop as `X-Forwarded-For` has it: a bare address. Ports, zones, brackets and octal numbers are refused: each would
    /// be another spelling of the same client.
    pub(super) fn parse(text: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(text) else {
            return Self::Unparsable;
        };
        match text.parse::<IpAddr>() {
            Ok(ip) => Self::Address(canonical_ip(ip)),
            Err(_) if text.eq_ignore_ascii_case("unknown") || text.starts_with('_') => Self::Hidden,
            Err(_) => Self::Unparsable,
        }
    }
}
