//! The tree of values.

use std::fmt::Write as _;

use crate::text::quoted;

/// Where something stands; both count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A value of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(pub(super) usize);

/// How a value is reached from its parent.
#[derive(Debug)]
pub(crate) enum Step {
    Root,
    Field { name: String, at: Position },
    Item(usize),
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// `quoted` tells `"null"` from `null`.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<NodeId>),
    Map(Vec<NodeId>),
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) parent: NodeId,
    pub(crate) step: Step,
    pub(crate) at: Position,
    pub(crate) kind: Kind,
}

impl Node {
    /// The name of the field that holds this value.
    pub(crate) fn name(&self) -> &str {
        match &self.step {
            Step::Field { name, .. } => name,
            Step::Root | Step::Item(_) => "",
        }
    }

    /// Where the name of the field stands, or else the value.
    pub(crate) fn name_at(&self) -> Position {
        match &self.step {
            Step::Field { at, .. } => *at,
            Step::Root | Step::Item(_) => self.at,
        }
    }

    /// Whether this is `null`, `~` or nothing at all.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, quoted: false } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}

/// All values of a source, the root first; children refer to parents by number, so that nothing recurses.
#[derive(Debug)]
pub(crate) struct Document {
    pub(super) nodes: Vec<Node>,
}

impl Document {
    pub(crate) const ROOT: NodeId = NodeId(0);

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The path of a value as errors print it: `rules[1].limits[0]`.
    pub(crate) fn path(&self, id: NodeId) -> String {
        let mut steps = Vec::new();
        let mut id = id;
        while id != Self::ROOT {
            let node = self.node(id);
            steps.push(&node.step);
            id = node.parent;
        }
        let mut path = String::new();
        for step in steps.into_iter().rev() {
            match step {
                Step::Field { name, .. } => push_field(&mut path, name),
                Step::Item(index) => {
                    let _ = write!(path, "[{index}]");
                }
                Step::Root => {}
            }
        }
        path
    }
}

/// Adds a field to a path; names that are no plain words appear as `["a b"]`.
pub(crate) fn push_field(path: &mut String, name: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || name.len() > 60 || !name.bytes().all(plain) {
        let _ = write!(path, "[{}]", quoted(name));
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
    }
}
