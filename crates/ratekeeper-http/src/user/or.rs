//! One after the other.

use std::borrow::Cow;

use super::{Asked, Identify};

/// Asks the second one where the first does not know; made by [`Identify::or`].
#[derive(Clone, Debug)]
pub struct Or<A, B> {
    first: A,
    second: B,
}

impl<A, B> Or<A, B> {
    pub(super) fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<A: Identify, B: Identify> Identify for Or<A, B> {
    fn identify<'a>(&self, request: &Asked<'a>) -> Option<Cow<'a, str>> {
        self.first.identify(request).or_else(|| self.second.identify(request))
    }
}
