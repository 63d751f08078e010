//! Keys.

use serde_json::{Value, json};

use crate::decode::{At, Decode, Decoder, FromText, Within, Wrong, record};
use crate::key::{DescriptorName, Part, Source, header_name};
use crate::schema::Definitions;
use crate::yaml::{Kind, NodeId};

/// The most parts of a key.
const MAX_PARTS: usize = 16;

/// A list of parts, one part, or `global`, which is no part.
#[derive(Clone, Debug)]
pub(crate) struct Key(pub(crate) Vec<Part>);

/// One part: a word, or a mapping with more.
#[derive(Clone, Debug)]
pub(crate) struct KeyPart(Part);

record! {
    /// A part of a key with options. Of part, ip, header and descriptor exactly one is given.
    KeyPartFields {
        /// A part by its name, such as user; for those that no other field stands for.
        optional part: Source,
        /// The client's address, with prefixes of its own: { ipv4_prefix: 24, ipv6_prefix: 56 }.
        optional ip: Prefixes,
        /// The value of the header with this name.
        optional header: HeaderName,
        /// The value of the descriptor with this name.
        optional descriptor: DescriptorName,
        /// Whether stored keys and decisions have a hash in place of the value.
        optional secret: bool = "false",
    }
}

record! {
    /// How much of an address is one client.
    Prefixes {
        /// How much of an IPv4 address; client_ip's by default.
        optional ipv4_prefix: Within<1, 32>,
        /// How much of an IPv6 address, such as 56 or 48; client_ip's by default.
        optional ipv6_prefix: Within<1, 128>,
    }
}

#[derive(Clone, Debug)]
pub(crate) struct HeaderName(String);

impl FromText for HeaderName {
    const EXPECTED: &'static str = "the name of a header";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        header_name(text).map(Self)
    }
}

impl Decode for KeyPart {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        if !matches!(decoder.node(node).kind, Kind::Map(_)) {
            return Source::decode(node, decoder).map(|source| Self(Part { source, secret: false }));
        }
        let fields = KeyPartFields::decode(node, decoder)?;
        let small = |number: u64| u8::try_from(number).ok();
        let mut sources = Vec::new();
        sources.extend(fields.part.map(|part| part.value));
        sources.extend(fields.ip.map(|ip| Source::Ip {
            ipv4_prefix: ip.value.ipv4_prefix.and_then(|prefix| small(prefix.value.0)),
            ipv6_prefix: ip.value.ipv6_prefix.and_then(|prefix| small(prefix.value.0)),
        }));
        sources.extend(fields.header.map(|name| Source::Header(name.value.0)));
        sources.extend(fields.descriptor.map(|name| Source::Descriptor(name.value.0)));
        if sources.len() != 1 {
            let help = "give exactly one of part, ip, header, descriptor; a key of several is a list";
            decoder.error(node, format!("this part has {} sources", sources.len()), help);
            return None;
        }
        let secret = fields.secret.is_some_and(|secret| secret.value);
        sources.pop().map(|source| Self(Part { source, secret }))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [Source::schema(definitions), KeyPartFields::schema(definitions)] })
    }
}

impl Decode for Key {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let is_global = |node: NodeId, decoder: &Decoder<'_>| matches!(&decoder.node(node).kind, Kind::Scalar { text, .. } if text.trim() == "global");
        let parts: Vec<At<KeyPart>> = match &decoder.node(node).kind {
            _ if is_global(node, decoder) => return Some(Self(Vec::new())),
            Kind::List(items) if items.len() == 1 && is_global(items[0], decoder) => {
                return Some(Self(Vec::new()));
            }
            Kind::List(_) => Decode::decode(node, decoder)?,
            Kind::Scalar { .. } | Kind::Map(_) => vec![At::decode(node, decoder)?],
        };
        if parts.len() > MAX_PARTS {
            decoder.error(node, format!("{} parts", parts.len()), format!("a key has at most {MAX_PARTS}"));
            return None;
        }
        for (index, part) in parts.iter().enumerate() {
            if parts[..index].iter().any(|before| before.value.0.source == part.value.0.source) {
                decoder.error(
                    part.node,
                    format!("{} is in the key twice", part.value.0),
                    "remove one of them",
                );
                return None;
            }
        }
        Some(Self(parts.into_iter().map(|part| part.value.0).collect()))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let part = KeyPart::schema(definitions);
        json!({ "anyOf": [part, { "type": "array", "items": part, "maxItems": MAX_PARTS }] })
    }
}
