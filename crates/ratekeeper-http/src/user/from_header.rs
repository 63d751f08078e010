//! Users that a header names.

use std::borrow::Cow;

use super::{Asked, Identify};

/// The user that a header names, as somebody in front has authenticated him: a proxy that sets the header, and removes it
/// from what its clients send. A header that comes there twice, is empty or no text names nobody.
///
/// ```
/// # use ratekeeper_http::{FromHeader, RateLimitLayer};
/// # fn example(layer: RateLimitLayer) -> RateLimitLayer {
/// layer.user(FromHeader::new("X-Remote-User"))
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FromHeader {
    name: String,
}

impl FromHeader {
    /// The header with this name, in whichever case.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_ascii_lowercase() }
    }
}

impl Identify for FromHeader {
    fn identify<'a>(&self, request: &Asked<'a>) -> Option<Cow<'a, str>> {
        request.header(&self.name).map(Cow::Borrowed)
    }
}
