//! Values by name: headers and descriptors.

use super::conditions::Key;
use super::texts::Texts;
use super::{Bucket, Map};

/// Buckets by names and values; names of headers in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    names: Map<Box<[u8]>, Texts>,
    /// A bit for each length of name that occurs: a request has many names, a policy asks for few.
    lengths: [u64; 3],
}

impl Named {
    /// The longest name of a policy.
    pub(super) const LONGEST: usize = 128;

    pub(super) fn insert(&mut self, name: &str, key: &Key<'_>, bucket: Bucket) {
        if let Some(word) = self.lengths.get_mut(name.len() / 64) {
            *word |= 1 << (name.len() % 64);
        }
        self.names.entry(name.as_bytes().into()).or_default().insert(key, bucket);
    }

    /// Whether there is a name of this length.
    pub(super) fn may_have(&self, name: &str) -> bool {
        self.lengths.get(name.len() / 64).is_some_and(|word| word >> (name.len() % 64) & 1 == 1)
    }

    pub(super) fn find(&self, name: &[u8], value: &str, take: &mut dyn FnMut(&Bucket)) {
        if let Some(values) = self.names.get(name) {
            values.find(value.as_bytes(), take);
        }
    }
}
