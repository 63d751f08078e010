//! Stores, lists and the client's address.

use std::collections::BTreeMap;

use super::{DEFAULT_STORE, selector};
use crate::client_ip::{ClientHeader, ClientIp};
use crate::decode::{At, Decoder, Named};
use crate::list::Entries;
use crate::raw;
use crate::store_config::{StoreConfig, StoreKind};
use crate::text::quoted;
use crate::yaml::NodeId;

/// The stores by name, `default` among them.
pub(super) fn stores(written: Named<raw::Store>, decoder: &mut Decoder<'_>) -> BTreeMap<String, StoreConfig> {
    let mut stores = BTreeMap::from([(DEFAULT_STORE.to_owned(), StoreConfig::default())]);
    for (name, store) in written.0 {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            let message = format!("{} is no name of a store", quoted(&name));
            decoder.error_in_name(store.node, message, "write 1 to 64 of A-Z a-z 0-9 . _ -");
        }
        refuse_strangers(&store, decoder);
        let store = store.value;
        let config = StoreConfig {
            kind: store.r#type.value,
            url: store.url.map(|url| url.value),
            deadline: store.deadline.map(|deadline| deadline.value),
            max_keys: store.max_keys.map(|number| number.value.0),
            max_bytes: store.max_bytes.map(|bytes| bytes.value.0),
            overflow: store.overflow.map_or_else(Default::default, |overflow| overflow.value),
        };
        stores.insert(name, config);
    }
    stores
}

/// Memory has no address, the others have no bounds of their own.
fn refuse_strangers(written: &At<raw::Store>, decoder: &mut Decoder<'_>) {
    let store = &written.value;
    let kind = store.r#type.value;
    let mut refuse = |node: Option<NodeId>, name: &str, help: &str| {
        if let Some(node) = node {
            decoder.error_in_name(node, format!("a store of type {kind} has no {name}"), help);
        }
    };
    if kind == StoreKind::Memory {
        refuse(store.url.as_ref().map(|at| at.node), "url", "remove it, or give the type, such as redis");
        refuse(store.deadline.as_ref().map(|at| at.node), "deadline", "remove it: memory answers at once");
    } else {
        let help = "remove it: only memory stores have one";
        refuse(store.max_keys.as_ref().map(|at| at.node), "max_keys", help);
        refuse(store.max_bytes.as_ref().map(|at| at.node), "max_bytes", help);
        refuse(store.overflow.as_ref().map(|at| at.node), "overflow", help);
        if store.url.is_none() {
            let help = "say where it is, best as url: \"${NAME}\"";
            decoder.error(written.node, "the field url is missing", help);
        }
    }
}

pub(super) fn client_ip(written: raw::ClientIp) -> ClientIp {
    let small = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    let defaults = ClientIp::default();
    ClientIp {
        trusted_proxies: written
            .trusted_proxies
            .map(|proxies| proxies.value.0.into_iter().map(|network| network.0).collect())
            .unwrap_or_default(),
        header: written.header.map_or(ClientHeader::XForwardedFor, |header| header.value),
        hops: written.hops.map(|hops| small(hops.value.0)),
        ipv6_prefix: written.ipv6_prefix.map_or(defaults.ipv6_prefix, |prefix| small(prefix.value.0)),
        ipv4_prefix: written.ipv4_prefix.map_or(defaults.ipv4_prefix, |prefix| small(prefix.value.0)),
    }
}

/// One of the two lists.
pub(super) fn list(written: At<raw::PossiblyEmpty<At<raw::ListItem>>>, decoder: &mut Decoder<'_>) -> Entries {
    let mut entries = Vec::new();
    for entry in written.value.0 {
        let node = entry.node;
        let entry = entry.value.0;
        let reason = entry.reason.map(|reason| reason.value);
        let given = selector::Given {
            ip: entry.ip,
            user: entry.user,
            header: entry.header,
            descriptor: entry.descriptor,
            until: entry.until,
        };
        if let Some(selector) = selector::compile(given, node, decoder) {
            entries.push((selector, reason));
        }
    }
    Entries::new(entries)
}
