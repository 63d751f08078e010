//! The allow list and the deny list.

use ratekeeper_core::Timestamp;

use crate::request::Request;
use crate::selector::{Selector, Selectors};

/// Which list a request stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// The request passes, no rule looks at it.
    Allow,
    /// The request is refused, no rule looks at it.
    Deny,
}

/// A request stands on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'p> {
    /// On which.
    pub list: List,
    /// The place of the entry there: what [`Policy::listing`](crate::Policy::listing) takes.
    pub place: usize,
    /// The reason that the policy gives for it.
    pub reason: Option<&'p str>,
}

/// One list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    selectors: Selectors,
    reasons: Vec<Option<String>>,
}

impl Entries {
    pub(crate) fn new(entries: Vec<(Selector, Option<String>)>) -> Self {
        let (selectors, reasons) = entries.into_iter().unzip();
        Self { selectors: Selectors::new(selectors), reasons }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Whether any entry is about headers.
    pub(crate) fn uses_headers(&self) -> bool {
        self.selectors.uses_headers()
    }

    /// The entry of the request, if it stands on this list.
    pub(crate) fn find(&self, request: &Request<'_>, now: Timestamp) -> Option<usize> {
        self.selectors.first(request, now)
    }

    /// The reason of the entry at this place.
    pub(crate) fn reason(&self, place: usize) -> Option<&str> {
        self.reasons.get(place)?.as_deref()
    }
}
