//! Choosing subjects by address, user, header or descriptor: for lists and overrides.

mod text;

use std::net::IpAddr;

use ratekeeper_core::Timestamp;

use crate::index::{Conditions, Index};
use crate::ip::Network;
use crate::matching::{NameValue, ValuePattern};
use crate::request::Request;

/// Whom an entry is about: all that is given must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    pub(crate) networks: Vec<Network>,
    pub(crate) users: Vec<ValuePattern>,
    pub(crate) headers: Vec<NameValue>,
    pub(crate) descriptors: Vec<NameValue>,
    /// Until when the entry holds; for ever if absent.
    pub(crate) until: Option<Timestamp>,
    /// Whether only the first of several headers or descriptors with one name counts, as it does in keys. Otherwise any
    /// of them will do: nobody leaves a deny list by adding another line.
    pub(crate) first_only: bool,
}

impl Selector {
    /// Whether it says anything at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.networks.is_empty()
            && self.users.is_empty()
            && self.headers.is_empty()
            && self.descriptors.is_empty()
    }

    fn conditions(&self) -> Conditions<'_> {
        Conditions {
            networks: &self.networks,
            users: &self.users,
            headers: &self.headers,
            descriptors: &self.descriptors,
            ..Conditions::default()
        }
    }

    fn matches(&self, request: &Request<'_>, now: Timestamp) -> bool {
        let attributes = request.attributes;
        let any = |patterns: &[ValuePattern], value: &str| patterns.iter().any(|one| one.matches(value));
        let in_network = |ip: IpAddr| self.networks.iter().any(|network| network.contains(ip));
        self.until.is_none_or(|until| now < until)
            && (self.networks.is_empty() || request.ip.is_some_and(in_network))
            && (self.users.is_empty() || attributes.user.is_some_and(|user| any(&self.users, user)))
            && self.headers.iter().all(|(name, patterns)| {
                let mut lines =
                    attributes.headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
                self.one_of(&mut lines, patterns)
            })
            && self.descriptors.iter().all(|(name, patterns)| {
                let mut lines = attributes.descriptors.iter().filter(|(given, _)| given == name);
                self.one_of(&mut lines, patterns)
            })
    }

    /// Whether one of the lines of a header or descriptor matches, or the first.
    fn one_of<'a>(
        &self,
        lines: &mut dyn Iterator<Item = &'a (&'a str, &'a str)>,
        patterns: &[ValuePattern],
    ) -> bool {
        let most = if self.first_only { 1 } else { usize::MAX };
        lines.take(most).any(|(_, value)| patterns.iter().any(|one| one.matches(value)))
    }
}

/// Selectors in the order of the file, the first that matches wins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selectors {
    all: Vec<Selector>,
    index: Index,
}

impl Selectors {
    pub(crate) fn new(all: Vec<Selector>) -> Self {
        Self { index: Index::new(all.iter().map(Selector::conditions).enumerate()), all }
    }

    /// Whether any of them is about headers.
    pub(crate) fn uses_headers(&self) -> bool {
        self.all.iter().any(|selector| !selector.headers.is_empty())
    }

    /// The selector at this place.
    pub(crate) fn get(&self, index: usize) -> Option<&Selector> {
        self.all.get(index)
    }

    /// The first selector that matches.
    pub(crate) fn first(&self, request: &Request<'_>, now: Timestamp) -> Option<usize> {
        self.index.first(request, |place| self.all[place].matches(request, now))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attributes::Attributes;
    use crate::decode::FromText;
    use crate::ip::masked;

    fn selector() -> impl Strategy<Value = Selector> {
        let networks = prop::collection::vec((0_u8..4, 24_u8..=32), 0..3);
        let users = prop::collection::vec("[ab]\\*?", 0..3);
        (networks, users, prop::option::of(0_u64..4), any::<bool>()).prop_map(
            |(networks, users, until, header)| Selector {
                networks: networks
                    .into_iter()
                    .map(|(last, length)| {
                        let address = masked(IpAddr::from([10, 0, 0, last]), length, 128);
                        Network::from_text(&format!("{address}/{length}")).unwrap()
                    })
                    .collect(),
                users: users.iter().map(|user| ValuePattern::from_text(user).unwrap()).collect(),
                headers: if header {
                    vec![("x".to_owned(), vec![ValuePattern::Present])]
                } else {
                    Vec::new()
                },
                descriptors: Vec::new(),
                until: until.map(Timestamp::from_micros),
                first_only: false,
            },
        )
    }

    proptest! {
        /// The indexes find what looking at each would find.
        #[test]
        fn the_first_that_matches_is_found(
            all in prop::collection::vec(selector(), 0..40),
            last in prop::option::of(0_u8..4), user in prop::option::of("[ab]{1,2}"), header: bool, now in 0_u64..4,
        ) {
            let headers: &[(&str, &str)] = if header { &[("X", "1")] } else { &[] };
            let ip = last.map(|last| IpAddr::from([10, 0, 0, last]));
            let attributes = Attributes { ip, user: user.as_deref(), headers, ..Attributes::default() };
            let request = Request::new(&attributes, false);
            let now = Timestamp::from_micros(now);
            let expected = all.iter().position(|selector| selector.matches(&request, now));
            prop_assert_eq!(Selectors::new(all).first(&request, now), expected);
        }
    }
}
