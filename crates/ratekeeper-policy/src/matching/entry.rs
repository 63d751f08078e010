//! One entry of a descriptor, as a rule wants it.

use std::fmt;

use super::ValuePattern;
use crate::key::{Part, Source};
use crate::text::shown;

/// A key, and what its value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Any value, if absent.
    pub(crate) value: Option<ValuePattern>,
    /// Whether all values of the pattern are counted together.
    pub(crate) share: bool,
}

impl Entry {
    /// Whether each of its values is counted apart.
    fn counts_apart(&self) -> bool {
        !self.share && !matches!(self.value, Some(ValuePattern::Exact(_)))
    }

    /// Whom a rule with these entries counts if it does not say: the values that the entries leave open.
    pub(crate) fn implied_key(entries: &[Self]) -> Vec<Part> {
        let open = entries.iter().enumerate().filter(|(_, entry)| entry.counts_apart());
        let part = |(place, entry): (usize, &Self)| {
            let namesakes = entries.iter().filter(|other| other.key == entry.key).count();
            let source = match namesakes {
                1 => Source::Descriptor(entry.key.clone()),
                _ => Source::Entry(place),
            };
            Part { source, secret: false }
        };
        open.map(part).collect()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.key))?;
        match &self.value {
            Some(value) => write!(f, "={value}"),
            None => Ok(()),
        }
    }
}
