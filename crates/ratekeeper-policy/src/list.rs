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

    /// If the request stands on this list: the reason.
    pub(crate) fn find(&self, request: &Request<'_>, now: Timestamp) -> Option<Option<&str>> {
        self.selectors.first(request, now).map(|index| self.reasons[index].as_deref())
    }
}
