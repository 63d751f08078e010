//! The client field: an address, perhaps with a port, or a host name.

use std::net::{IpAddr, SocketAddr};
use std::str;

/// The address that `field` holds: `ip`, `[v6]`, `ip:port` or `[v6]:port`. IPv4 mapped into IPv6 becomes IPv4.
pub(crate) fn address(field: &[u8]) -> Option<IpAddr> {
    // No address is longer than this: host names and noise are not worth a parse.
    if field.len() > 64 {
        return None;
    }
    let text = str::from_utf8(field).ok()?;
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    let ip = match bare.parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_) => text.parse::<SocketAddr>().ok()?.ip(),
    };
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_with_and_without_ports() {
        let cases = [
            ("192.0.2.7", Some("192.0.2.7")),
            ("192.0.2.7:4711", Some("192.0.2.7")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("::ffff:192.0.2.7", Some("192.0.2.7")),
            ("010.0.0.1", None),
            ("256.0.0.1", None),
            ("host.example.com", None),
            ("unix:", None),
            ("-", None),
            ("", None),
        ];
        for (field, ip) in cases {
            assert_eq!(address(field.as_bytes()).map(|ip| ip.to_string()).as_deref(), ip, "{field}");
        }
    }
}
