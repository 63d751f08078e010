//! The back of stored keys: who is counted.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use smallvec::SmallVec;

use super::{Part, Source};
use crate::attributes::Attributes;
use crate::ip::masked;
use crate::matching::bare_host;
use crate::request::Request;
use crate::rule::Missing;

/// Longer values become hashes.
const MAX_VALUE: usize = 64;
/// Longer subjects become one hash, so that keys stay within 250 bytes.
const MAX_SUBJECT: usize = 128;

/// The bytes of a subject, braces included: `{11:203.0.113.7,5:alice}`.
pub(crate) type SubjectBytes = SmallVec<[u8; 160]>;

/// What a rule counts by.
#[derive(Clone, Debug)]
pub(crate) struct KeySpec {
    /// In the order of the policy; none for a rule that counts all requests together.
    pub(crate) parts: Vec<Part>,
    pub(crate) missing: Missing,
    /// What values are hashed with.
    pub(crate) hash_key: HashKey,
    pub(crate) ipv4_prefix: u8,
    pub(crate) ipv6_prefix: u8,
}

/// A key that stays out of debug output.
#[derive(Clone, Copy)]
pub(crate) struct HashKey(pub(crate) [u8; 32]);

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The value of a part, ready to be written.
enum Value<'a> {
    Text(&'a str),
    /// Text that is compared without regard to case.
    Folded(SmallVec<[u8; 64]>),
    Address(AddressText),
    /// The name of a client without an address: never equal to an address, whatever it says.
    ClientName(&'a str),
}

impl KeySpec {
    /// The subject of a request; the number of the first missing part if the rule does not share those.
    pub(crate) fn subject(&self, request: &Request<'_>) -> Result<SubjectBytes, usize> {
        let mut out = SubjectBytes::new();
        out.push(b'{');
        if self.parts.is_empty() {
            out.push(b'*');
        }
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            match self.value(part, request) {
                Some(value) => self.push(&mut out, &value, part.secret),
                // No value is written like this one: they begin with a length, `n` or `#`.
                None if self.missing == Missing::Shared => out.push(b'-'),
                None => return Err(index),
            }
        }
        self.close(&mut out);
        Ok(out)
    }

    /// The subject of a limit that a request brings along: its domain and descriptors, all of them.
    pub(crate) fn subject_of_descriptors(&self, attributes: &Attributes<'_>) -> SubjectBytes {
        let mut out = SubjectBytes::new();
        out.push(b'{');
        match attributes.domain {
            Some(domain) => self.push(&mut out, &Value::Text(domain), false),
            None => out.push(b'-'),
        }
        for (name, value) in attributes.descriptors {
            for text in [name, value] {
                out.push(b',');
                self.push(&mut out, &Value::Text(text), false);
            }
        }
        self.close(&mut out);
        out
    }

    /// Ends a subject; one that is too long becomes a hash.
    fn close(&self, out: &mut SubjectBytes) {
        if out.len() - 1 > MAX_SUBJECT {
            let whole = self.hash(b'k', &out[1..]);
            out.truncate(1);
            out.extend_from_slice(b"##");
            out.extend_from_slice(&whole);
        }
        out.push(b'}');
    }

    /// The parts as decisions print them; `-` for a missing one.
    pub(crate) fn display(&self, request: &Request<'_>) -> Vec<String> {
        self.parts
            .iter()
            .map(|part| self.display_part(part, request).unwrap_or_else(|| "-".to_owned()))
            .collect()
    }

    /// One part as decisions print it: as it is, be it long or strange, unless it is secret.
    pub(crate) fn display_part(&self, part: &Part, request: &Request<'_>) -> Option<String> {
        let value = self.value(part, request)?;
        let bytes = value.bytes();
        Some(if part.secret {
            format!("#{}", String::from_utf8_lossy(&self.hash(b'v', bytes)))
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        })
    }

    fn value<'a>(&self, part: &Part, request: &'a Request<'_>) -> Option<Value<'a>> {
        let attributes = request.attributes;
        match &part.source {
            Source::Ip { ipv4_prefix, ipv6_prefix } => match request.ip {
                Some(ip) => {
                    let prefixes =
                        (ipv4_prefix.unwrap_or(self.ipv4_prefix), ipv6_prefix.unwrap_or(self.ipv6_prefix));
                    Some(Value::Address(address(ip, prefixes.0, prefixes.1)))
                }
                None => attributes.client_name.map(Value::ClientName),
            },
            Source::User => attributes.user.map(Value::Text),
            Source::Method => attributes
                .method
                .map(|method| Value::Folded(method.bytes().map(|byte| byte.to_ascii_uppercase()).collect())),
            Source::Path => request.path.as_ref().map(|path| Value::Text(path.as_str())),
            Source::Route => attributes.route.map(Value::Text),
            Source::Host => attributes.host.map(|host| {
                Value::Folded(bare_host(host).bytes().map(|byte| byte.to_ascii_lowercase()).collect())
            }),
            Source::Header(name) => attributes.header(name).map(Value::Text),
            Source::Descriptor(name) => attributes.descriptor(name).map(Value::Text),
            Source::Entry(place) => attributes.descriptors.get(*place).map(|(_, value)| Value::Text(value)),
        }
    }

    fn push(&self, out: &mut SubjectBytes, value: &Value<'_>, secret: bool) {
        if matches!(value, Value::ClientName(_)) {
            out.push(b'n');
        }
        let bytes = value.bytes();
        if secret || !is_plain(bytes) {
            out.push(b'#');
            out.extend_from_slice(&self.hash(b'v', bytes));
        } else {
            out.extend_from_slice(decimal(bytes.len(), &mut [0; 3]));
            out.push(b':');
            out.extend_from_slice(bytes);
        }
    }

    /// 128 bits in hexadecimal; `purpose` keeps hashes of values, of whole subjects and of overrides apart.
    pub(super) fn hash(&self, purpose: u8, bytes: &[u8]) -> [u8; 32] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut hasher = blake3::Hasher::new_keyed(&self.hash_key.0);
        hasher.update(&[purpose]).update(bytes);
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(hasher.finalize().as_bytes()) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        text
    }
}

impl Value<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) | Self::ClientName(text) => text.as_bytes(),
            Self::Folded(bytes) => bytes,
            Self::Address(text) => text.as_bytes(),
        }
    }
}

/// Whether a value can stand in a key as it is.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_VALUE
        && bytes.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}'))
}

/// `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/64`.
fn address(ip: IpAddr, ipv4_prefix: u8, ipv6_prefix: u8) -> AddressText {
    let mut out = AddressText { bytes: [0; 48], length: 0 };
    let (prefix, bits) = if ip.is_ipv4() {
        (ipv4_prefix, 32)
    } else {
        (ipv6_prefix, 128)
    };
    match masked(ip, ipv4_prefix, ipv6_prefix) {
        IpAddr::V4(v4) => {
            for (index, octet) in v4.octets().into_iter().enumerate() {
                if index > 0 {
                    out.push(b".");
                }
                out.push(decimal(octet.into(), &mut [0; 3]));
            }
        }
        // Writing to memory does not fail.
        IpAddr::V6(v6) => drop(write!(out, "{v6}")),
    }
    if prefix < bits {
        out.push(b"/");
        out.push(decimal(prefix.into(), &mut [0; 3]));
    }
    out
}

/// An address as text: at most 39 bytes and a prefix of 4.
struct AddressText {
    bytes: [u8; 48],
    length: usize,
}

impl AddressText {
    fn push(&mut self, text: &[u8]) {
        let end = self.length + text.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(text);
            self.length = end;
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl fmt::Write for AddressText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// A number below 1000 in decimal, without the machinery of formatting.
fn decimal(number: usize, room: &mut [u8; 3]) -> &[u8] {
    let digit = |place: usize| b'0' + u8::try_from(number / place % 10).unwrap_or(0);
    *room = [digit(100), digit(10), digit(1)];
    match number {
        100.. => room,
        10.. => &room[1..],
        _ => &room[2..],
    }
}
