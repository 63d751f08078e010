//! Hosts by what they are or end with.

use super::Bucket;
use super::conditions::Key;
use super::folded::Folded;
use super::texts::{ByText, of_length};

/// Longer than every host of a policy.
const LONGEST: usize = 256;

/// Buckets by whole hosts, and by ends of each length that occurs; in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    exact: ByText,
    below: Vec<(usize, ByText)>,
}

impl Hosts {
    pub(super) fn insert(&mut self, key: &Key<'_>, bucket: Bucket) {
        match key {
            Key::Exact(name) => self.exact.insert(name.as_bytes().into(), bucket),
            Key::Below(end) => of_length(&mut self.below, end.len()).insert(end.as_bytes().into(), bucket),
            _ => None,
        };
    }

    /// Hands over the buckets of a host without its port.
    pub(super) fn find(&self, host: &str, take: &mut dyn FnMut(&Bucket)) {
        let folded = Folded::<LONGEST>::lower(host.as_bytes());
        let name = folded.bytes();
        // Of a longer host only its end is here, which is no host of the policy.
        if let Some(bucket) = self.exact.get(name) {
            take(bucket);
        }
        for (length, ends) in &self.below {
            let end = name.len().checked_sub(*length).map(|start| &name[start..]);
            if let Some(bucket) = end.and_then(|end| ends.get(end)) {
                take(bucket);
            }
        }
    }
}
