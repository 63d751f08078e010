//! What is collected of a request before it is decided.

use std::borrow::Cow;
use std::net::IpAddr;

use ratekeeper_policy::Attributes;
use smallvec::SmallVec;

use crate::host::host;
use crate::{AmbiguousHost, Head, Headers};

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
    /// Not in their place: most policies look at none, and facts are moved.
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    descriptors: SmallVec<[(Cow<'a, str>, Cow<'a, str>); 2]>,
}

impl<'a> Facts<'a> {
    /// What a request says of itself; its headers only where a policy looks at them.
    ///
    /// # Errors
    /// If it is not clear which host is meant.
    pub fn new<H: Head + ?Sized>(head: &'a H, with_headers: bool) -> Result<Self, AmbiguousHost> {
        Ok(Self {
            ip: None,
            user: None,
            method: head.method().into(),
            path: head.path().into(),
            route: None,
            host: host(head)?.map(Into::into),
            cost: 1,
            headers: if with_headers { lines(head) } else { Vec::new() },
            descriptors: SmallVec::new(),
        })
    }

    /// Adds a descriptor: a free name and value, for rules with `descriptor:NAME`.
    pub fn descriptor(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.descriptors.push((name.into(), value.into()));
    }

    /// These facts on their own, for when the request they were borrowed from is gone.
    #[must_use]
    pub fn into_owned(self) -> Facts<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        let both = |(name, value)| (own(name), own(value));
        Facts {
            ip: self.ip,
            user: self.user.map(own),
            method: own(self.method),
            path: own(self.path),
            route: self.route.map(own),
            host: self.host.map(own),
            cost: self.cost,
            headers: self.headers.into_iter().map(both).collect(),
            descriptors: self.descriptors.into_iter().map(both).collect(),
        }
    }

    /// These facts as the engine takes them.
    #[must_use]
    pub fn borrowed(&self) -> BorrowedFacts<'_, 'a> {
        BorrowedFacts {
            facts: self,
            headers: self.headers.iter().map(|(name, value)| (&**name, &**value)).collect(),
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
fn lines<H: Headers + ?Sized>(headers: &H) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let mut lines = Vec::with_capacity(16);
    headers.each(&mut |name, value| {
        // Bytes that are no text stay, as escapes: a header that disappeared would take its rule with it.
        let text = match std::str::from_utf8(value) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(value.escape_ascii().to_string()),
        };
        lines.push((Cow::Borrowed(name), text));
    });
    lines
}
