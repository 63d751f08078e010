//! The header fields of a response.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};
use ratekeeper_engine::Outcome;

use super::Door;
use crate::{Dialect, Fields};

/// What a response tells of limits.
#[derive(Debug, Default)]
pub struct Told {
    fields: Fields,
    /// Whether the fields are lists, which go on after what an inner layer or the service has said.
    lists: bool,
    retry_after: Option<u64>,
}

impl Told {
    pub(super) fn new(door: &Door, outcome: &Outcome, retry_after: Option<u64>) -> Self {
        let fields = crate::fields(outcome, door.dialect, outcome.decided_at());
        Self { fields, lists: door.dialect == Dialect::Draft11, retry_after }
    }

    /// Every field, and whether it is appended to others of its name; else the one that is there stands.
    pub fn into_fields(self) -> impl Iterator<Item = (HeaderName, HeaderValue, bool)> {
        let retry_after = self.retry_after.map(|seconds| (RETRY_AFTER, seconds.into(), false));
        let lists = self.lists;
        retry_after
            .into_iter()
            .chain(self.fields.into_iter().map(move |(name, value)| (name, value, lists)))
    }

    /// Adds the fields to a response.
    pub fn add_to(self, headers: &mut HeaderMap) {
        if let Some(seconds) = self.retry_after {
            headers.entry(RETRY_AFTER).or_insert_with(|| seconds.into());
        }
        for (name, value) in self.fields {
            if self.lists {
                headers.append(name, value);
            } else {
                headers.entry(name).or_insert(value);
            }
        }
    }
}
