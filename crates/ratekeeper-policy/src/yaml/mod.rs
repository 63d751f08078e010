//! YAML with positions: the source becomes a flat tree in which every value knows its line, column and path.

mod node;
mod parse;

pub(crate) use node::{Document, Kind, Node, NodeId, Position};
pub(crate) use parse::{SyntaxError, Wording, parse, utf8};

/// The longest source in bytes.
pub(crate) const MAX_SOURCE: usize = 8 << 20;
/// How deep lists and mappings may nest.
pub(crate) const MAX_DEPTH: usize = 64;
/// How many values a source may have.
pub(crate) const MAX_NODES: usize = 500_000;

/// How errors call a policy.
pub(crate) const POLICY: Wording = Wording { noun: "policy", least: "a list of `rules`" };
