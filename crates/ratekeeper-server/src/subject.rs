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
    /// Names a part as [`Rule::key_names`](ratekeeper_policy::Rule::key_names) does.
    ///
    /// # Errors
    /// If the part is an address, and the value is none.
    pub(crate) fn set(&mut self, part: &'q str, value: &'q str) -> Result<(), NoAddress> {
        let attributes = &mut self.attributes;
        match (part, part.split_once(':')) {
            ("ip", _) => attributes.ip = Some(address(value)?),
            ("user", _) => attributes.user = Some(value),
            ("method", _) => attributes.method = Some(value),
            ("path", _) => attributes.path = Some(value),
            ("route", _) => attributes.route = Some(value),
            ("host", _) => attributes.host = Some(value),
            (_, Some(("header", name))) => self.headers.push((name, value)),
            (_, Some((_, name))) => self.descriptors.push((name, value)),
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes { headers: &self.headers, descriptors: &self.descriptors, ..self.attributes }
    }
}

/// An address, or a masked one as it is shown elsewhere.
fn address(text: &str) -> Result<IpAddr, NoAddress> {
    let masked = || text.parse().ok().map(|network: IpNet| network.addr());
    text.parse().ok().or_else(masked).ok_or(NoAddress)
}
