//! All conditions of a rule.

use super::{Entry, HostPattern, Method, ValuePattern};
use crate::index::Conditions;
use crate::ip::Network;
use crate::path::PathPattern;
use crate::request::Request;

/// A name, and the patterns of which its value must match one.
pub(crate) type NameValue = (String, Vec<ValuePattern>);

/// The conditions of a rule: all that are given must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    pub(crate) methods: Vec<Method>,
    pub(crate) paths: Vec<PathPattern>,
    pub(crate) routes: Vec<ValuePattern>,
    pub(crate) hosts: Vec<HostPattern>,
    pub(crate) networks: Vec<Network>,
    pub(crate) users: Vec<ValuePattern>,
    pub(crate) headers: Vec<NameValue>,
    pub(crate) descriptors: Vec<NameValue>,
    pub(crate) domain: Option<String>,
    /// Which rules of a domain fit their entries best is looked up in [`Trees`](super::Trees), not asked here.
    pub(crate) entries: Vec<Entry>,
}

/// The first condition that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch<'p> {
    Method,
    Path,
    Route,
    Host,
    Ip,
    User,
    Header(&'p str),
    Descriptor(&'p str),
    Domain,
}

impl Matcher {
    /// What can be looked up of it.
    pub(crate) fn conditions(&self) -> Conditions<'_> {
        Conditions {
            methods: &self.methods,
            paths: &self.paths,
            routes: &self.routes,
            hosts: &self.hosts,
            networks: &self.networks,
            users: &self.users,
            headers: &self.headers,
            descriptors: &self.descriptors,
            domain: self.domain.as_deref(),
        }
    }

    /// Whether all conditions hold; if not, the first that does not.
    pub(crate) fn check(&self, request: &Request<'_>) -> Result<(), Mismatch<'_>> {
        let attributes = request.attributes;
        let any = |patterns: &[ValuePattern], value: Option<&str>| {
            patterns.is_empty() || value.is_some_and(|value| patterns.iter().any(|one| one.matches(value)))
        };
        let hold = |holds: bool, otherwise: Mismatch<'static>| if holds { Ok(()) } else { Err(otherwise) };
        let method = |given: &str| self.methods.iter().any(|one| one.matches(given));
        hold(self.methods.is_empty() || attributes.method.is_some_and(method), Mismatch::Method)?;
        let path = |given| self.paths.iter().any(|one| one.matches(given));
        hold(self.paths.is_empty() || request.path.as_ref().is_some_and(path), Mismatch::Path)?;
        hold(any(&self.routes, attributes.route), Mismatch::Route)?;
        let host = |given: &str| self.hosts.iter().any(|one| one.matches(given));
        hold(self.hosts.is_empty() || attributes.host.is_some_and(host), Mismatch::Host)?;
        let ip = |given| self.networks.iter().any(|one| one.contains(given));
        hold(self.networks.is_empty() || request.ip.is_some_and(ip), Mismatch::Ip)?;
        hold(any(&self.users, attributes.user), Mismatch::User)?;
        hold(self.domain.is_none() || self.domain.as_deref() == attributes.domain, Mismatch::Domain)?;
        for (name, patterns) in &self.headers {
            let line = |(given, value): &(&str, &str)| {
                given.eq_ignore_ascii_case(name) && any(patterns, Some(value))
            };
            if !attributes.headers.iter().any(line) {
                return Err(Mismatch::Header(name));
            }
        }
        for (name, patterns) in &self.descriptors {
            let line = |(given, value): &(&str, &str)| given == name && any(patterns, Some(value));
            if !attributes.descriptors.iter().any(line) {
                return Err(Mismatch::Descriptor(name));
            }
        }
        Ok(())
    }
}
