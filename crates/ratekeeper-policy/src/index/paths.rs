//! Path patterns by their segments.

use super::conditions::Key;
use super::{Bucket, Map};
use crate::path::CanonicalPath;

/// A tree of patterns.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    literals: Map<Box<[u8]>, Paths>,
    /// Any segment: also those with fixed text around the parameter.
    parameter: Option<Box<Paths>>,
    /// What ends here.
    end: Option<Bucket>,
    /// What takes all that follows.
    rest: Option<Bucket>,
}

impl Paths {
    pub(super) fn insert(&mut self, key: &Key<'_>, bucket: Bucket) {
        let Key::Path(segments, rest) = key else { return };
        let mut node = self;
        for segment in segments {
            node = match segment {
                Some(literal) => node.literals.entry((*literal).into()).or_default(),
                None => node.parameter.get_or_insert_default(),
            };
        }
        *(if *rest { &mut node.rest } else { &mut node.end }) = Some(bucket);
    }

    pub(super) fn find(&self, path: &CanonicalPath, take: &mut dyn FnMut(&Bucket)) {
        self.walk(&path.as_bytes()[1..], take);
    }

    /// Both ways are walked where a literal and a parameter fit: never more nodes than there are patterns' segments.
    fn walk(&self, mut left: &[u8], take: &mut dyn FnMut(&Bucket)) {
        let mut node = self;
        loop {
            node.rest.iter().for_each(&mut *take);
            if left.is_empty() {
                node.end.iter().for_each(&mut *take);
                return;
            }
            let end = left.iter().position(|byte| *byte == b'/').unwrap_or(left.len());
            let (segment, after) = (&left[..end], left.get(end + 1..).unwrap_or(&[]));
            if let Some(parameter) = &node.parameter {
                parameter.walk(after, take);
            }
            match node.literals.get(segment) {
                Some(next) => (node, left) = (next, after),
                None => return,
            }
        }
    }
}
