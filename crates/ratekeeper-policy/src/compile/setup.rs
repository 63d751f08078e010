//! Stores, lists and the client's address.

use std::collections::BTreeMap;

use super::{DEFAULT_STORE, selector};
use crate::client_ip::{ClientHeader, ClientIp};
use crate::decode::{At, Decoder, Named};
use crate::list::Entries;
use crate::raw;
use crate::store_config::{DEFAULT_DEADLINE, StoreConfig, StoreKind};
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
        let Some(kind) = kind(&store, decoder) else {
            // Rules that name it are no errors of their own.
            stores.insert(name, StoreConfig::default());
            continue;
        };
        refuse_strangers(kind, &store, decoder);
        let store = store.value.0;
        let on = |flag: Option<At<bool>>| flag.is_none_or(|flag| flag.value);
        let config = StoreConfig {
            kind,
            url: store.url.map(|url| url.value),
            deadline: store.deadline.map_or(DEFAULT_DEADLINE, |deadline| deadline.value),
            coalesce: on(store.coalesce),
            breaker: on(store.breaker),
            deny_cache: on(store.deny_cache),
            max_keys: store.max_keys.map(|number| number.value.0),
            max_bytes: store.max_bytes.map(|bytes| bytes.value.0),
            overflow: store.overflow.map_or_else(Default::default, |overflow| overflow.value),
        };
        stores.insert(name, config);
    }
    stores
}

/// Which store it is: what is written, or what the url begins with.
fn kind(written: &At<raw::Store>, decoder: &mut Decoder<'_>) -> Option<StoreKind> {
    let store = &written.value.0;
    let told = store.url.as_ref().and_then(|url| StoreKind::of_url(url.value.reveal()));
    match (&store.r#type, told, &store.url) {
        (Some(kind), Some(told), Some(url)) if kind.value != told => {
            let message =
                format!("this is the url of a store of type {told}, and the type is {}", kind.value);
            decoder.error(url.node, message, "correct the url, or leave out the type");
            None
        }
        (Some(kind), _, _) => Some(kind.value),
        (None, Some(told), _) => Some(told),
        (None, None, Some(url)) => {
            let help = "begin it with redis://, postgres://, memcached:// or dynamodb://, or give the type";
            decoder.error(url.node, "the url does not say which store this is", help);
            None
        }
        (None, None, None) => {
            let help = "write type: memory, or the url of another store";
            decoder.error(written.node, "the field type is missing", help);
            None
        }
    }
}

/// Memory has no address, the others have no bounds of their own.
fn refuse_strangers(kind: StoreKind, written: &At<raw::Store>, decoder: &mut Decoder<'_>) {
    let store = &written.value.0;
    let mut refuse = |node: Option<NodeId>, name: &str, help: &str| {
        if let Some(node) = node {
            decoder.error_in_name(node, format!("a store of type {kind} has no {name}"), help);
        }
    };
    if kind == StoreKind::Memory {
        refuse(store.url.as_ref().map(|at| at.node), "url", "remove it, or give the type, such as redis");
        let help = "remove it: memory answers at once";
        refuse(store.deadline.as_ref().map(|at| at.node), "deadline", help);
        refuse(store.coalesce.as_ref().map(|at| at.node), "coalesce", help);
        refuse(store.breaker.as_ref().map(|at| at.node), "breaker", help);
        refuse(store.deny_cache.as_ref().map(|at| at.node), "deny_cache", help);
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
