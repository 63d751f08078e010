//! One condition, looked up.

use super::Bucket;
use super::conditions::{Field, Key};
use super::folded::Folded;
use super::hosts::Hosts;
use super::named::Named;
use super::networks::Networks;
use super::paths::Paths;
use super::texts::Texts;
use crate::matching::bare_host;
use crate::request::Request;

/// The longest method of a policy.
const METHOD: usize = 32;

/// Buckets by what a request says of one thing.
#[derive(Clone, Debug)]
pub(super) enum Lookup {
    Path(Paths),
    User(Texts),
    Descriptor(Named),
    Header(Named),
    Network(Networks),
    Route(Texts),
    Host(Hosts),
    Domain(Texts),
    Method(Texts),
}

impl Field<'_> {
    /// The same without a name: all headers are looked up together.
    pub(super) fn kind(self) -> Field<'static> {
        match self {
            Self::Path => Field::Path,
            Self::User => Field::User,
            Self::Descriptor(_) => Field::Descriptor(""),
            Self::Header(_) => Field::Header(""),
            Self::Network => Field::Network,
            Self::Route => Field::Route,
            Self::Host => Field::Host,
            Self::Domain => Field::Domain,
            Self::Method => Field::Method,
        }
    }
}

impl Lookup {
    pub(super) fn new(field: Field<'_>) -> Self {
        match field {
            Field::Path => Self::Path(Paths::default()),
            Field::User => Self::User(Texts::default()),
            Field::Descriptor(_) => Self::Descriptor(Named::default()),
            Field::Header(_) => Self::Header(Named::default()),
            Field::Network => Self::Network(Networks::default()),
            Field::Route => Self::Route(Texts::default()),
            Field::Host => Self::Host(Hosts::default()),
            Field::Domain => Self::Domain(Texts::default()),
            Field::Method => Self::Method(Texts::default()),
        }
    }

    /// Files a bucket; each key of a field comes once.
    pub(super) fn insert(&mut self, field: Field<'_>, key: &Key<'_>, bucket: Bucket) {
        match self {
            Self::Path(paths) => paths.insert(key, bucket),
            Self::Network(networks) => networks.insert(key, bucket),
            Self::Host(hosts) => hosts.insert(key, bucket),
            Self::Descriptor(named) | Self::Header(named) => {
                if let Field::Descriptor(name) | Field::Header(name) = field {
                    named.insert(name, key, bucket);
                }
            }
            Self::User(texts) | Self::Route(texts) | Self::Domain(texts) | Self::Method(texts) => {
                texts.insert(key, bucket);
            }
        }
    }

    /// Hands over the buckets of a request.
    pub(super) fn find(&self, request: &Request<'_>, take: &mut dyn FnMut(&Bucket)) {
        let attributes = request.attributes;
        let text = |texts: &Texts, value: Option<&str>, take: &mut dyn FnMut(&Bucket)| {
            if let Some(value) = value {
                texts.find(value.as_bytes(), take);
            }
        };
        match self {
            Self::Path(paths) => {
                if let Some(path) = &request.path {
                    paths.find(path, take);
                }
            }
            Self::User(users) => text(users, attributes.user, take),
            Self::Route(routes) => text(routes, attributes.route, take),
            Self::Domain(domains) => text(domains, attributes.domain, take),
            Self::Method(methods) => {
                let method = attributes.method.filter(|method| method.len() <= METHOD);
                if let Some(method) = method {
                    methods.find(Folded::<METHOD>::upper(method.as_bytes()).bytes(), take);
                }
            }
            Self::Network(networks) => {
                if let Some(ip) = request.ip {
                    networks.find(ip, take);
                }
            }
            Self::Host(hosts) => {
                if let Some(host) = attributes.host {
                    hosts.find(bare_host(host), take);
                }
            }
            Self::Header(headers) => {
                for (name, value) in attributes.headers.iter().filter(|(name, _)| headers.may_have(name)) {
                    let name = Folded::<{ Named::LONGEST }>::lower(name.as_bytes());
                    headers.find(name.bytes(), value, take);
                }
            }
            Self::Descriptor(descriptors) => {
                for (name, value) in
                    attributes.descriptors.iter().filter(|(name, _)| descriptors.may_have(name))
                {
                    descriptors.find(name.as_bytes(), value, take);
                }
            }
        }
    }
}
