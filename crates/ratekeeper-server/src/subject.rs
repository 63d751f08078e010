//! The subject of a rule, named by the parts of its key.

use std::net::IpAddr;

use ipnet::IpNet;
use ratekeeper_policy::Attributes;

/// The parts of a key, as attributes that have them.
#[derive(Default)]
pub(crate) struct Subject<'q> {
    attributes: Attributes<'q>,
    headers: Vec<(&'q str, &'q str)>,
    descriptors: Vec<(&'q str, &'q str)>,
}

/// A part is to be an address, and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ip: this is no address; write one such as 203.0.113.7 or 2001:db8::7")]
pub(crate) struct NoAddress;

impl<'q> Subject<'q> {
    /// The subject of these parts, named as [`Rule::key_names`](ratekeeper_policy::Rule::key_names) does, and their values.
    ///
    /// # Errors
    /// If a part is an address, and its value is none.
    pub(crate) fn new(parts: impl Iterator<Item = (&'q str, &'q str)> + Clone) -> Result<Self, NoAddress> {
        let mut subject = Self { descriptors: entries(parts.clone()), ..Self::default() };
        for (part, value) in parts {
            let attributes = &mut subject.attributes;
            match (part, part.split_once(':')) {
                ("ip", _) => attributes.ip = Some(address(value)?),
                ("user", _) => attributes.user = Some(value),
                ("method", _) => attributes.method = Some(value),
                ("path", _) => attributes.path = Some(value),
                ("route", _) => attributes.route = Some(value),
                ("host", _) => attributes.host = Some(value),
                (_, Some(("header", name))) => subject.headers.push((name, value)),
                (_, Some(("descriptor", name))) => subject.descriptors.push((name, value)),
                _ => {}
            }
        }
        Ok(subject)
    }

    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes { headers: &self.headers, descriptors: &self.descriptors, ..self.attributes }
    }
}

/// The most entries of a rule.
const MOST_ENTRIES: usize = 64;

/// Those that are named by their place, `entry:2`, each at its place.
fn entries<'q>(parts: impl Iterator<Item = (&'q str, &'q str)> + Clone) -> Vec<(&'q str, &'q str)> {
    let place = |part: &str| part.strip_prefix("entry:")?.parse::<usize>().ok()?.checked_sub(1);
    let placed = || parts.clone().filter_map(|(part, value)| Some((place(part)?, value)));
    // No rule has a part beyond its last entry, which others are refused for.
    let most = placed().map(|(place, _)| place + 1).max().unwrap_or(0).min(MOST_ENTRIES);
    let mut entries = vec![("", ""); most];
    for (place, value) in placed() {
        if let Some(entry) = entries.get_mut(place) {
            entry.1 = value;
        }
    }
    entries
}

/// An address, or a masked one as it is shown elsewhere.
fn address(text: &str) -> Result<IpAddr, NoAddress> {
    let masked = || text.parse().ok().map(|network: IpNet| network.addr());
    text.parse().ok().or_else(masked).ok_or(NoAddress)
}
