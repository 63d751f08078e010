//! Texts by what they are or begin with.

use super::conditions::Key;
use super::{Bucket, Map};

/// Buckets by texts.
pub(super) type ByText = Map<Box<[u8]>, Bucket>;

/// Buckets by whole texts, and by beginnings of each length that occurs.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    exact: ByText,
    prefixes: Vec<(usize, ByText)>,
}

impl Texts {
    pub(super) fn insert(&mut self, key: &Key<'_>, bucket: Bucket) {
        match key {
            Key::Exact(text) => self.exact.insert(text.as_bytes().into(), bucket),
            Key::Prefix(text) => {
                of_length(&mut self.prefixes, text.len()).insert(text.as_bytes().into(), bucket)
            }
            _ => None,
        };
    }

    pub(super) fn find(&self, text: &[u8], take: &mut dyn FnMut(&Bucket)) {
        if !self.exact.is_empty()
            && let Some(bucket) = self.exact.get(text)
        {
            take(bucket);
        }
        for (length, prefixes) in &self.prefixes {
            if let Some(bucket) = text.get(..*length).and_then(|prefix| prefixes.get(prefix)) {
                take(bucket);
            }
        }
    }
}

/// The map for texts of one length.
pub(super) fn of_length(all: &mut Vec<(usize, ByText)>, length: usize) -> &mut ByText {
    let place = match all.iter().position(|(known, _)| *known == length) {
        Some(place) => place,
        None => {
            all.push((length, Map::default()));
            all.len() - 1
        }
    };
    &mut all[place].1
}
