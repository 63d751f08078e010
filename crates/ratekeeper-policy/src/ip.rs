//! Addresses in one form each, and networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::decode::{FromText, Wrong};

/// The one form of an address: IPv4 that travels in IPv6 (mapped `::ffff:0:0/96`, NAT64 `64:ff9b::/96`) is
/// unwrapped, so that its clients neither gain a second identity nor all share one.
///
/// ```
/// use ratekeeper_policy::canonical_ip;
/// assert_eq!(canonical_ip("::ffff:203.0.113.7".parse()?), "203.0.113.7".parse::<std::net::IpAddr>()?);
/// assert_eq!(canonical_ip("64:ff9b::203.0.113.7".parse()?), "203.0.113.7".parse::<std::net::IpAddr>()?);
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn canonical_ip(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => ip,
    }
}

/// The first address of the network of this size around a canonical address.
pub(crate) fn masked(ip: IpAddr, ipv4_prefix: u8, ipv6_prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(ipv4_prefix.min(32))).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(v4) & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(ipv6_prefix.min(128))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(v6) & mask))
        }
    }
}

/// A network or one address, in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Network(pub(crate) IpNet);

impl Network {
    /// Whether a canonical address lies in it.
    pub(crate) fn contains(self, ip: IpAddr) -> bool {
        self.0.contains(&ip)
    }
}

impl FromText for Network {
    const EXPECTED: &'static str = "an address or a network such as 192.0.2.0/24";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let not_one = || {
            let help = "write one such as 192.0.2.7, 192.0.2.0/24 or \"2001:db8::/32\", without port, zone or leading zeros";
            Wrong::new("this is neither an address nor a network", help)
        };
        let text = text.trim();
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr = address.parse().map_err(|_| not_one())?;
        let canonical = canonical_ip(address);
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        let mut length = match prefix {
            None => bits,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= 3 => {
                digits.parse().map_err(|_| not_one())?
            }
            Some(_) => return Err(not_one()),
        };
        if length > bits {
            let help = format!("write a prefix from 0 to {bits}");
            return Err(Wrong::new(format!("the prefix /{length} is too long"), help));
        }
        let network = if canonical.is_ipv4() && address.is_ipv6() {
            if length < 96 {
                // It holds more than the IPv4 addresses inside: stays what it is.
                IpNet::new(address, length).map_err(|_| not_one())?
            } else {
                length -= 96;
                IpNet::new(canonical, length).map_err(|_| not_one())?
            }
        } else {
            IpNet::new(canonical, length).map_err(|_| not_one())?
        };
        if network.trunc() != network {
            let help = format!("write {} for the network, or no prefix for the address", network.trunc());
            return Err(Wrong::new("the address has bits beyond its prefix", help));
        }
        Ok(Self(network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Result<String, String> {
        Network::from_text(text)
            .map(|network| network.0.to_string())
            .map_err(|wrong| wrong.message)
    }

    #[test]
    fn networks_have_one_form() {
        assert_eq!(network("192.0.2.7"), Ok("192.0.2.7/32".into()));
        assert_eq!(network("::ffff:192.0.2.0/120"), Ok("192.0.2.0/24".into()));
        assert_eq!(network("2001:DB8::/32"), Ok("2001:db8::/32".into()));
        assert_eq!(network("::/0"), Ok("::/0".into()));
        for wrong in [
            "",
            "10.0.0",
            "010.0.0.1",
            "fe80::1%eth0",
            "[::1]",
            "1.2.3.4:80",
            "1.2.3.4/",
            "1.2.3.4/+8",
        ] {
            assert_eq!(network(wrong), Err("this is neither an address nor a network".into()), "{wrong}");
        }
        assert_eq!(network("1.2.3.4/33"), Err("the prefix /33 is too long".into()));
        assert_eq!(network("10.0.0.1/8"), Err("the address has bits beyond its prefix".into()));
    }

    #[test]
    fn masks_of_every_length() {
        let v4: IpAddr = "203.0.113.7".parse().unwrap();
        let v6: IpAddr = "2001:db8:1:2:3::4".parse().unwrap();
        assert_eq!(masked(v4, 24, 64).to_string(), "203.0.113.0");
        assert_eq!(masked(v4, 32, 64), v4);
        assert_eq!(masked(v4, 0, 64).to_string(), "0.0.0.0");
        assert_eq!(masked(v6, 32, 64).to_string(), "2001:db8:1:2::");
        assert_eq!(masked(v6, 32, 128), v6);
        assert_eq!(masked(v6, 32, 0).to_string(), "::");
    }
}
