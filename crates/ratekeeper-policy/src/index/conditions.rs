//! What can be looked up of conditions.

use crate::ip::Network;
use crate::matching::{HostPattern, Method, NameValue, ValuePattern};
use crate::path::PathPattern;

/// The most segments of a path that are looked at: deeper patterns are found by their beginning.
const MOST_SEGMENTS: usize = 16;

/// Conditions that must all hold, each of which has alternatives; one without any is none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conditions<'p> {
    pub(crate) methods: &'p [Method],
    pub(crate) paths: &'p [PathPattern],
    pub(crate) routes: &'p [ValuePattern],
    pub(crate) hosts: &'p [HostPattern],
    pub(crate) networks: &'p [Network],
    pub(crate) users: &'p [ValuePattern],
    pub(crate) headers: &'p [NameValue],
    pub(crate) descriptors: &'p [NameValue],
    pub(crate) domain: Option<&'p str>,
}

/// What a condition is about. Of conditions that tell as much, the first of these is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Field<'p> {
    Path,
    User,
    Descriptor(&'p str),
    Header(&'p str),
    Network,
    Route,
    Host,
    Domain,
    Method,
}

/// What a request must have to meet one alternative of a condition; a pattern is known by its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key<'p> {
    Exact(&'p str),
    Prefix(&'p str),
    /// Segments, `None` for a parameter, and whether more may follow.
    Path(Vec<Option<&'p [u8]>>, bool),
    /// Every host with this end.
    Below(&'p str),
    Network(Network),
}

/// A condition and its alternatives.
pub(super) type Condition<'p> = (Field<'p>, Vec<Key<'p>>);

impl<'p> Conditions<'p> {
    /// Those that are given.
    pub(super) fn given(&self) -> Vec<Condition<'p>> {
        fn texts(patterns: &[ValuePattern]) -> Vec<Key<'_>> {
            patterns.iter().map(text).collect()
        }
        let plain = [
            (Field::Path, self.paths.iter().map(path).collect()),
            (Field::User, texts(self.users)),
            (Field::Network, self.networks.iter().copied().map(Key::Network).collect()),
            (Field::Route, texts(self.routes)),
            (Field::Host, self.hosts.iter().map(host).collect()),
            (Field::Domain, self.domain.into_iter().map(Key::Exact).collect()),
            (Field::Method, self.methods.iter().map(|method| Key::Exact(&method.0)).collect()),
        ];
        let named =
            |(name, patterns): &'p NameValue, field: fn(&'p str) -> Field<'p>| (field(name), texts(patterns));
        let descriptors = self.descriptors.iter().map(|one| named(one, Field::Descriptor));
        let headers = self.headers.iter().map(|one| named(one, Field::Header));
        let all = plain.into_iter().chain(descriptors).chain(headers);
        all.filter(|(_, keys): &Condition<'p>| !keys.is_empty()).collect()
    }
}

fn text(pattern: &ValuePattern) -> Key<'_> {
    match pattern {
        ValuePattern::Exact(text) => Key::Exact(text),
        ValuePattern::Prefix(text) => Key::Prefix(text),
        ValuePattern::Pieces(pieces) => Key::Prefix(pieces.first().map_or("", String::as_str)),
        ValuePattern::Suffix(_) | ValuePattern::Part(_) | ValuePattern::Present => Key::Prefix(""),
    }
}

fn host(pattern: &HostPattern) -> Key<'_> {
    match pattern {
        HostPattern::Any => Key::Below(""),
        HostPattern::Exact(name) => Key::Exact(name),
        HostPattern::Below(end) => Key::Below(end),
    }
}

fn path(pattern: &PathPattern) -> Key<'_> {
    let mut segments = pattern.literals();
    let first: Vec<_> = segments.by_ref().take(MOST_SEGMENTS).collect();
    Key::Path(first, segments.next().is_some() || pattern.takes_rest())
}
