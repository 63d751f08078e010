//! The PROXY protocol, versions 1 and 2: a proxy says who its client is before the first byte of HTTP.

use std::io;
use std::net::IpAddr;

use ppp::{HeaderResult, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest header of version 1, its line end included.
const MAX_V1: usize = 107;
/// The longest header of version 2 that is read, with room for extensions.
const MAX_V2: usize = 552;
/// The part of version 2 that every header has; its last two bytes are the length of the rest.
const FIXED_V2: usize = 16;
const SIGNATURE_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Reads the header, no byte more. The client's address; `None` if the proxy speaks for itself.
///
/// # Errors
/// If there is no header, or it is too long or wrong.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let mut header = Vec::with_capacity(FIXED_V2);
    loop {
        header.push(stream.read_u8().await?);
        if is_whole(&header)? {
            return client(&header);
        }
    }
}

fn is_whole(header: &[u8]) -> io::Result<bool> {
    let seen = header.len().min(SIGNATURE_V2.len());
    if header[..seen] == SIGNATURE_V2[..seen] {
        let Some([high, low]) = header.get(FIXED_V2 - 2..FIXED_V2) else {
            return Ok(false);
        };
        let length = FIXED_V2 + usize::from(u16::from_be_bytes([*high, *low]));
        return if length > MAX_V2 {
            Err(wrong("too long"))
        } else {
            Ok(header.len() == length)
        };
    }
    let expected = b"PROXY ";
    let seen = header.len().min(expected.len());
    match header[..seen] == expected[..seen] {
        true if header.len() > MAX_V1 => Err(wrong("too long")),
        true => Ok(header.ends_with(b"\r\n")),
        false => Err(wrong("missing")),
    }
}

fn client(header: &[u8]) -> io::Result<Option<IpAddr>> {
    match HeaderResult::parse(header) {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            v1::Addresses::Tcp4(addresses) => Some(addresses.source_address.into()),
            v1::Addresses::Tcp6(addresses) => Some(addresses.source_address.into()),
            v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(Ok(header)) => Ok(match header.addresses {
            _ if header.command == v2::Command::Local => None,
            v2::Addresses::IPv4(addresses) => Some(addresses.source_address.into()),
            v2::Addresses::IPv6(addresses) => Some(addresses.source_address.into()),
            v2::Addresses::Unspecified | v2::Addresses::Unix(_) => None,
        }),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(wrong("malformed")),
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the PROXY protocol header is {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(bytes: &[u8]) -> Result<Option<String>, String> {
        let mut rest = bytes;
        let client = read(&mut rest).await.map_err(|error| error.to_string())?;
        assert_eq!(rest, b"GET", "not a byte more is read");
        Ok(client.map(|ip| ip.to_string()))
    }

    fn v2(command: v2::Command, client: &str) -> Vec<u8> {
        let client: std::net::SocketAddr = client.parse().unwrap();
        let to = std::net::SocketAddr::new(client.ip(), 80);
        let builder =
            v2::Builder::with_addresses(v2::Version::Two | command, v2::Protocol::Stream, (client, to));
        builder.write_tlv(v2::Type::NoOp, &[0; 40]).unwrap().build().unwrap()
    }

    #[tokio::test]
    async fn both_versions_are_read() {
        let v1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\nGET";
        assert_eq!(said(v1).await, Ok(Some("203.0.113.7".into())));
        let v1 = b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\nGET";
        assert_eq!(said(v1).await, Ok(Some("2001:db8::7".into())));
        assert_eq!(said(b"PROXY UNKNOWN\r\nGET").await, Ok(None));
        let binary = [&v2(v2::Command::Proxy, "203.0.113.7:1")[..], b"GET"].concat();
        assert_eq!(said(&binary).await, Ok(Some("203.0.113.7".into())));
        let local = [&v2(v2::Command::Local, "203.0.113.7:1")[..], b"GET"].concat();
        assert_eq!(said(&local).await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused_early() {
        let missing = Err("the PROXY protocol header is missing".to_owned());
        assert_eq!(said(b"GET / HTTP/1.1\r\n").await, missing);
        assert_eq!(said(b"\r\n\r\nGET / HTTP/1.1").await, missing);
        let long = format!("PROXY TCP4 {}\r\n", "1".repeat(200));
        assert_eq!(said(long.as_bytes()).await, Err("the PROXY protocol header is too long".into()));
        let wrong = b"PROXY TCP4 203.0.113.999 192.0.2.1 4711 80\r\nGET";
        assert_eq!(said(wrong).await, Err("the PROXY protocol header is malformed".into()));
        let mut huge = SIGNATURE_V2.to_vec();
        huge.extend([0x21, 0x11, 0xff, 0xff]);
        assert_eq!(said(&huge).await, Err("the PROXY protocol header is too long".into()));
        assert!(said(b"PROXY TCP4 1").await.is_err(), "the connection ended");
    }
}
