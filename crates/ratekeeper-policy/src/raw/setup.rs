//! Stores and the client's address.

use ratekeeper_core::Micros;

use super::Bytes;
use crate::client_ip::ClientHeader;
use serde_json::{Value, json};

use crate::decode::{At, Decode, Decoder, Within, record};
use crate::ip::Network;
use crate::schema::Definitions;
use crate::secret::Secret;
use crate::store_config::{Overflow, StoreKind};
use crate::yaml::{Kind, NodeId};

record! {
    /// A store of counters.
    StoreFields {
        /// Which store: memory, redis, postgres, memcached or dynamodb. By default what the url begins with says it.
        optional r#type: StoreKind,
        /// Where it is, for all but memory; best given as "${NAME}".
        optional url: Secret,
        /// How long a decision waits for it before the failure policy of the rule decides.
        optional deadline: Micros = "20ms",
        /// Whether checks that wait for the store at the same time travel together.
        optional coalesce: bool = "true",
        /// Whether a store that keeps failing is left alone for a while.
        optional breaker: bool = "true",
        /// Whether a subject that was just refused is refused here, for as long as it must wait, but a second at most.
        optional deny_cache: bool = "true",
        /// The most keys that a memory store holds.
        optional max_keys: Within<1, 0x0001_0000_0000_0000>,
        /// The most memory that a memory store holds, in bytes or such as 512MiB.
        optional max_bytes: Bytes,
        /// What a full memory store does with new subjects: share counters, deny, or evict the idlest.
        optional overflow: Overflow = "share",
    }
}

/// A store field by field, or its url alone.
#[derive(Clone, Debug)]
pub(crate) struct Store(pub(crate) StoreFields);

impl Decode for Store {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        if matches!(&decoder.node(node).kind, Kind::Map(_)) {
            return StoreFields::decode(node, decoder).map(Self);
        }
        let url = Secret::decode(node, decoder)?;
        Some(Self(StoreFields {
            r#type: None,
            url: Some(At { node, value: url }),
            deadline: None,
            coalesce: None,
            breaker: None,
            deny_cache: None,
            max_keys: None,
            max_bytes: None,
            overflow: None,
        }))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let url = json!({ "type": "string", "description": "Where it is: its url alone." });
        json!({ "anyOf": [StoreFields::schema(definitions), url] })
    }
}

record! {
    /// How the client's address is told from its proxies.
    ClientIp {
        /// The proxies whose header is believed, as addresses or networks. Without any, the peer is the client.
        optional trusted_proxies: TrustedProxies,
        /// The one header that is read: x-forwarded-for, forwarded, or the name of another that holds addresses.
        optional header: ClientHeader = "x-forwarded-for",
        /// Take the address at this place from the right, instead of walking past the trusted proxies.
        optional hops: Within<1, 32>,
        /// How much of an IPv6 address is one client.
        optional ipv6_prefix: Within<1, 128> = "64",
        /// How much of an IPv4 address is one client.
        optional ipv4_prefix: Within<1, 32> = "32",
    }
}

/// Networks; an empty list says that nobody is trusted.
pub(crate) type TrustedProxies = PossiblyEmpty<Network>;

/// A list that may be empty, or one item without the brackets.
#[derive(Clone, Debug)]
pub(crate) struct PossiblyEmpty<T>(pub(crate) Vec<T>);

impl<T: Decode> Decode for PossiblyEmpty<T> {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        if matches!(&decoder.node(node).kind, Kind::List(_)) {
            return Vec::<At<T>>::decode(node, decoder)
                .map(|items| Self(items.into_iter().map(|at| at.value).collect()));
        }
        T::decode(node, decoder).map(|item| Self(vec![item]))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let item = T::schema(definitions);
        json!({ "anyOf": [item, { "type": "array", "items": item }] })
    }
}
