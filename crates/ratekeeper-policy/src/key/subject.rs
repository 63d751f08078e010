//! The back of stored keys: who is counted.

use std::fmt;

use smallvec::SmallVec;

use super::address::{AddressText, DECIMAL};
use super::{Part, Source};
use crate::attributes::Attributes;
use crate::matching::bare_host;
use crate::request::Request;
use crate::rule::Missing;

/// Longer values become hashes.
const MAX_VALUE: usize = 64;
/// Longer subjects become one hash, so that keys stay within 250 bytes.
const MAX_SUBJECT: usize = 128;

/// The bytes of keys.
pub(crate) type KeyBytes = SmallVec<[u8; 256]>;

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
    /// Text that is compared without regard to case, and how it is folded.
    Folded(&'a str, fn(&mut [u8])),
    Address(AddressText),
    /// The name of a client without an address: never equal to an address, whatever it says.
    ClientName(&'a str),
}

impl KeySpec {
    /// The subject of a request, braces included: `{11:203.0.113.7,5:alice}`; the number of the first missing part if the
    /// rule does not share those.
    pub(crate) fn subject(&self, request: &Request<'_>) -> Result<KeyBytes, usize> {
        let mut out = KeyBytes::new();
        self.push_subject(request, &mut out)?;
        Ok(out)
    }

    /// Adds the subject of a request; nothing if a part is missing.
    pub(crate) fn push_subject(&self, request: &Request<'_>, out: &mut KeyBytes) -> Result<(), usize> {
        let start = out.len();
        out.push(b'{');
        if self.parts.is_empty() {
            out.push(b'*');
        }
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            match self.value(part, request) {
                Some(value) => self.push(out, &value, part.secret),
                // No value is written like this one: they begin with a length, `n` or `#`.
                None if self.missing == Missing::Shared => out.push(b'-'),
                None => {
                    out.truncate(start);
                    return Err(index);
                }
            }
        }
        self.close(out, start);
        Ok(())
    }

    /// Adds the subject of a limit that a request brings along: its domain and descriptors, all of them.
    pub(crate) fn push_descriptors(&self, attributes: &Attributes<'_>, out: &mut KeyBytes) {
        let start = out.len();
        out.push(b'{');
        match attributes.domain {
            Some(domain) => self.push(out, &Value::Text(domain), false),
            None => out.push(b'-'),
        }
        for (name, value) in attributes.descriptors {
            for text in [name, value] {
                out.push(b',');
                self.push(out, &Value::Text(text), false);
            }
        }
        self.close(out, start);
    }

    /// Ends the subject that began at `start`; one that is too long becomes a hash.
    fn close(&self, out: &mut KeyBytes, start: usize) {
        let first = start + 1;
        if out.len() - first > MAX_SUBJECT {
            let whole = self.hash(b'k', &out[first..]);
            out.truncate(first);
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
            format!("#{}", String::from_utf8_lossy(&self.hash(b'v', &bytes)))
        } else {
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }

    fn value<'a>(&self, part: &Part, request: &'a Request<'_>) -> Option<Value<'a>> {
        let attributes = request.attributes;
        match &part.source {
            Source::Ip { ipv4_prefix, ipv6_prefix } => match request.ip {
                Some(ip) => {
                    let prefixes =
                        (ipv4_prefix.unwrap_or(self.ipv4_prefix), ipv6_prefix.unwrap_or(self.ipv6_prefix));
                    Some(Value::Address(AddressText::new(ip, prefixes.0, prefixes.1)))
                }
                None => attributes.client_name.map(Value::ClientName),
            },
            Source::User => attributes.user.map(Value::Text),
            Source::Method => {
                attributes.method.map(|method| Value::Folded(method, <[u8]>::make_ascii_uppercase))
            }
            Source::Path => request.path.as_ref().map(|path| Value::Text(path.as_str())),
            Source::Route => attributes.route.map(Value::Text),
            Source::Host => {
                attributes.host.map(|host| Value::Folded(bare_host(host), <[u8]>::make_ascii_lowercase))
            }
            Source::Header(name) => attributes.header(name).map(Value::Text),
            Source::Descriptor(name) => attributes.descriptor(name).map(Value::Text),
            Source::Entry(place) => attributes.descriptors.get(*place).map(|(_, value)| Value::Text(value)),
        }
    }

    fn push(&self, out: &mut KeyBytes, value: &Value<'_>, secret: bool) {
        if let Value::Address(address) = value
            && !secret
        {
            return out.extend_from_slice(address.counted());
        }
        let bytes = match value {
            Value::Text(text) | Value::Folded(text, _) => text.as_bytes(),
            Value::Address(address) => address.bytes(),
            Value::ClientName(name) => {
                out.push(b'n');
                name.as_bytes()
            }
        };
        if secret || !is_plain(bytes) {
            out.push(b'#');
            out.extend_from_slice(&self.hash(b'v', &value.bytes()));
            return;
        }
        let (digits, count) = DECIMAL[bytes.len()];
        out.extend_from_slice(&digits[..count]);
        out.push(b':');
        let start = out.len();
        out.extend_from_slice(bytes);
        if let Value::Folded(_, fold) = value {
            fold(&mut out[start..]);
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
    /// What it says, folded.
    fn bytes(&self) -> KeyBytes {
        match self {
            Self::Text(text) | Self::ClientName(text) => text.as_bytes().into(),
            Self::Address(text) => text.bytes().into(),
            Self::Folded(text, fold) => {
                let mut bytes = KeyBytes::from_slice(text.as_bytes());
                fold(&mut bytes);
                bytes
            }
        }
    }
}

/// Whether a value can stand in a key as it is.
fn is_plain(bytes: &[u8]) -> bool {
    // Without a way out, many bytes are looked at in one step.
    let is = |byte: u8| byte.is_ascii_graphic() & !matches!(byte, b'{' | b'}');
    bytes.len() <= MAX_VALUE && bytes.iter().fold(true, |all, byte| all & is(*byte))
}
