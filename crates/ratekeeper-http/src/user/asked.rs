//! What is seen of a request.

use std::fmt;

use ratekeeper_core::Timestamp;

use crate::{Head, Lines};

/// A request as [`Identify`](super::Identify) sees it, whichever framework it comes from.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    head: &'a dyn Head,
    now: Timestamp,
}

impl<'a> Asked<'a> {
    /// A request that arrived at this time.
    #[must_use]
    pub fn new(head: &'a dyn Head, now: Timestamp) -> Self {
        Self { head, now }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &'a str {
        self.head.method()
    }

    /// The path as it was sent.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.head.path()
    }

    /// The query as it was sent, without the question mark.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.head.query()
    }

    /// All lines of a header, by its name in lower case.
    #[must_use]
    pub fn lines(&self, name: &str) -> Lines<'a> {
        self.head.lines(name)
    }

    /// The value of a header, by its name in lower case: if there is one line of it, which is text and not empty. Of several
    /// nobody knows which one somebody else would believe.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        match self.lines(name)[..] {
            [line] => std::str::from_utf8(line).ok().filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// What stands in `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(&self) -> Option<&'a str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        let token = token.trim_matches(' ');
        let is_one = !token.is_empty() && !token.contains(' ');
        (scheme.eq_ignore_ascii_case("bearer") && is_one).then_some(token)
    }

    /// When it is asked, by the clock of the engine.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

/// Heads have secrets in their headers: only the time is shown.
impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("now", &self.now).finish_non_exhaustive()
    }
}
