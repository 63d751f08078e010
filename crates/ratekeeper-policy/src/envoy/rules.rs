//! Which nodes become rules.
//!
//! A request descends the tree of its domain, at each level to the node of the exact value, else to the first pattern
//! that matches, else to the node of the key alone, and never back. Rules match in the same way, so that a node needs
//! a rule if it has a limit, and also if nothing but its being there keeps requests from a less specific one.

use super::tree::{Level, Limit, Node};

/// A rule to write.
#[derive(Debug)]
pub(super) struct Rule<'t> {
    /// The nodes from the first entry on; never empty.
    pub(super) path: Vec<&'t Node>,
    /// What counts; nothing, if the rule only stands before others.
    pub(super) limit: Option<&'t Limit>,
}

/// The rules of a level and of what is below, in the order of the files.
pub(super) fn collect<'t>(level: &'t Level, path: &mut Vec<&'t Node>, rules: &mut Vec<Rule<'t>>) {
    let shadowing = Shadowing::new(level);
    for (place, node) in level.nodes.iter().enumerate() {
        path.push(node);
        let before = rules.len();
        if let Some(limit) = &node.limit {
            rules.push(Rule { path: path.clone(), limit: Some(limit) });
        }
        collect(&node.level, path, rules);
        if rules.len() == before && shadowing.stands_before_others(place, node) {
            rules.push(Rule { path: path.clone(), limit: None });
        }
        path.pop();
    }
}

/// Which nodes of a level are less specific than others of the same key.
struct Shadowing<'t>(std::collections::HashMap<&'t str, Others>);

/// The nodes of one key.
#[derive(Default)]
struct Others {
    has_key_alone: bool,
    last_pattern: Option<usize>,
}

impl<'t> Shadowing<'t> {
    fn new(level: &'t Level) -> Self {
        let mut keys = std::collections::HashMap::<_, Others>::new();
        for (place, node) in level.nodes.iter().enumerate() {
            let others = keys.entry(node.key.as_str()).or_default();
            others.has_key_alone |= node.value.is_none();
            if node.is_pattern() {
                others.last_pattern = Some(place);
            }
        }
        Self(keys)
    }

    fn stands_before_others(&self, place: usize, node: &Node) -> bool {
        let Some(others) = self.0.get(node.key.as_str()).filter(|_| node.value.is_some()) else {
            return false;
        };
        let is_before_pattern = if node.is_pattern() {
            others.last_pattern > Some(place)
        } else {
            others.last_pattern.is_some()
        };
        others.has_key_alone || is_before_pattern
    }
}
