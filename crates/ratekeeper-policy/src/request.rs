//! A request while it is decided: what several rules need is computed once.

use std::net::IpAddr;

use crate::attributes::Attributes;
use crate::ip::canonical_ip;
use crate::path::CanonicalPath;

/// The attributes of a request with its address and path in their one form.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) attributes: &'a Attributes<'a>,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) path: Option<CanonicalPath>,
}

impl<'a> Request<'a> {
    /// `with_path` is false where no rule looks at the path.
    pub(crate) fn new(attributes: &'a Attributes<'a>, with_path: bool) -> Self {
        let path = attributes.path.filter(|_| with_path).map(CanonicalPath::new);
        Self { attributes, ip: attributes.ip.map(canonical_ip), path }
    }
}
