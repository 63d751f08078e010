//! What is collected of a request before it is decided.

use std::borrow::Cow;
use std::net::IpAddr;

use http::HeaderMap;
use http::request::Parts;
use ratekeeper_policy::Attributes;
use smallvec::SmallVec;

use crate::{AmbiguousHost, host, path};

/// What is known of a request: found by the layer, corrected and completed by its user, borrowed wherever possible.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// Who the client is, after authentication.
    pub user: Option<Cow<'a, str>>,
    /// The method.
    pub method: Cow<'a, str>,
    /// The path as it was sent, without the query.
    pub path: Cow<'a, str>,
    /// The route template that matched, such as `/users/{id}`.
    pub route: Option<Cow<'a, str>>,
    /// The host, with or without a port.
    pub host: Option<Cow<'a, str>>,
    /// What the request costs, before the costs of rules multiply it; 1 by default.
    pub cost: u64,
    headers: SmallVec<[(&'a str, Cow<'a, str>); 16]>,
    descriptors: SmallVec<[(Cow<'a, str>, Cow<'a, str>); 2]>,
}

impl<'a> Facts<'a> {
    /// What a request says of itself; its headers only where a policy looks at them.
    ///
    /// # Errors
    /// If it is not clear which host is meant.
    pub fn new(parts: &'a Parts, with_headers: bool) -> Result<Self, AmbiguousHost> {
        Ok(Self {
            ip: None,
            user: None,
            method: parts.method.as_str().into(),
            path: path(&parts.uri).into(),
            route: None,
            host: host(&parts.uri, &parts.headers)?.map(Into::into),
            cost: 1,
            headers: if with_headers {
                lines(&parts.headers)
            } else {
                SmallVec::new()
            },
            descriptors: SmallVec::new(),
        })
    }

    /// Adds a descriptor: a free name and value, for rules with `descriptor:NAME`.
    pub fn descriptor(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.descriptors.push((name.into(), value.into()));
    }

    /// These facts as the engine takes them.
    #[must_use]
    pub fn borrowed(&self) -> BorrowedFacts<'_, 'a> {
        BorrowedFacts {
            facts: self,
            headers: self.headers.iter().map(|(name, value)| (*name, &**value)).collect(),
            descriptors: self.descriptors.iter().map(|(name, value)| (&**name, &**value)).collect(),
        }
    }
}

/// Facts whose names and values stand side by side, as attributes have them.
#[derive(Clone, Debug)]
pub struct BorrowedFacts<'f, 'a> {
    facts: &'f Facts<'a>,
    headers: SmallVec<[(&'f str, &'f str); 16]>,
    descriptors: SmallVec<[(&'f str, &'f str); 2]>,
}

impl BorrowedFacts<'_, '_> {
    /// What the policy looks at.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        let facts = self.facts;
        Attributes {
            ip: facts.ip,
            client_name: None,
            user: facts.user.as_deref(),
            method: Some(&facts.method),
            path: Some(&facts.path),
            route: facts.route.as_deref(),
            host: facts.host.as_deref(),
            headers: &self.headers,
            domain: None,
            descriptors: &self.descriptors,
        }
    }
}

/// All lines of all headers.
fn lines(headers: &HeaderMap) -> SmallVec<[(&str, Cow<'_, str>); 16]> {
    headers
        .iter()
        .map(|(name, value)| {
            // Bytes that are no text stay, as escapes: a header that disappeared would take its rule with it.
            let text = match std::str::from_utf8(value.as_bytes()) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(value.as_bytes().escape_ascii().to_string()),
            };
            (name.as_str(), text)
        })
        .collect()
}
