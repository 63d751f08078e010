//! Which rules fit a descriptor best: a tree for each domain, walked entry by entry.
//!
//! This is how envoyproxy/ratelimit looks limits up: at each level an exact value wins over patterns, patterns over a
//! key alone, and what was chosen is not taken back when a deeper level does not fit.

use super::{Entry, ValuePattern};
use crate::index::{Map, Places};

/// The trees of all domains.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trees {
    domains: Map<String, Node>,
    /// Rules that name no domain.
    any: Node,
}

/// Descriptors that begin alike.
#[derive(Clone, Debug, Default)]
struct Node {
    keys: Map<String, Values>,
    /// The rules whose entries end here, in the order of the policy.
    rules: Vec<usize>,
}

/// What may follow under one key.
#[derive(Clone, Debug, Default)]
struct Values {
    exact: Map<String, Node>,
    /// In the order of the policy.
    patterns: Vec<(ValuePattern, Node)>,
    alone: Option<Box<Node>>,
}

impl Trees {
    /// Notes a domain that rules are about.
    pub(crate) fn add_domain(&mut self, domain: &str) {
        self.domains.entry(domain.to_owned()).or_default();
    }

    /// Whether any rule is about this domain, or about the descriptors of all.
    pub(crate) fn knows(&self, domain: &str) -> bool {
        self.domains.contains_key(domain) || !self.any.keys.is_empty()
    }

    /// Adds the rule at place `rule`, with its entries.
    pub(crate) fn add(&mut self, domain: Option<&str>, entries: &[Entry], rule: usize) {
        let mut node = match domain {
            Some(domain) => self.domains.entry(domain.to_owned()).or_default(),
            None => &mut self.any,
        };
        for entry in entries {
            node = node.keys.entry(entry.key.clone()).or_default().follow_or_add(entry.value.as_ref());
        }
        node.rules.push(rule);
    }

    /// Adds the rules that fit these entries best, in no order.
    pub(crate) fn find(&self, domain: Option<&str>, entries: &[(&str, &str)], found: &mut Places) {
        if entries.is_empty() {
            return;
        }
        let of_domain = domain.and_then(|domain| self.domains.get(domain));
        for tree in of_domain.into_iter().chain([&self.any]) {
            found.extend_from_slice(tree.find(entries));
        }
    }
}

impl Node {
    fn find(&self, entries: &[(&str, &str)]) -> &[usize] {
        let mut node = self;
        for (key, value) in entries {
            match node.keys.get(*key).and_then(|values| values.follow(value)) {
                Some(next) => node = next,
                None => return &[],
            }
        }
        &node.rules
    }
}

impl Values {
    fn follow(&self, value: &str) -> Option<&Node> {
        let pattern = || self.patterns.iter().find(|(pattern, _)| pattern.matches(value));
        self.exact
            .get(value)
            .or_else(|| pattern().map(|(_, node)| node))
            .or(self.alone.as_deref())
    }

    fn follow_or_add(&mut self, value: Option<&ValuePattern>) -> &mut Node {
        match value {
            None => self.alone.get_or_insert_default(),
            Some(ValuePattern::Exact(text)) => self.exact.entry(text.clone()).or_default(),
            Some(pattern) => {
                let known = self.patterns.iter().position(|(known, _)| known == pattern);
                let place = known.unwrap_or_else(|| {
                    self.patterns.push((pattern.clone(), Node::default()));
                    self.patterns.len() - 1
                });
                &mut self.patterns[place].1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::FromText as _;

    fn entry(key: &str, value: &str) -> Entry {
        let value = (!value.is_empty()).then(|| ValuePattern::from_text(value).unwrap());
        Entry { key: key.to_owned(), value, share: false }
    }

    /// Level by level: those that are left are cut down to the best kind that one of them has there.
    fn model(rules: &[Vec<(String, String)>], wanted: &[(&str, &str)]) -> Vec<usize> {
        let mut left: Vec<usize> = (0..rules.len()).collect();
        for (depth, (key, value)) in wanted.iter().enumerate() {
            let text =
                |rule: usize| rules[rule].get(depth).filter(|(known, _)| known == key).map(|(_, text)| text);
            let fits = |text: &str| !text.is_empty() && ValuePattern::from_text(text).unwrap().matches(value);
            let exact = left.iter().find(|rule| text(**rule).is_some_and(|text| text == value));
            let pattern =
                left.iter().find(|rule| text(**rule).is_some_and(|text| text.contains('*') && fits(text)));
            let alone = left.iter().find(|rule| text(**rule).is_some_and(String::is_empty));
            let Some(best) = exact.or(pattern).or(alone).and_then(|rule| text(*rule)).cloned() else {
                return Vec::new();
            };
            left.retain(|rule| text(*rule) == Some(&best));
        }
        left.retain(|rule| rules[*rule].len() == wanted.len());
        left
    }

    proptest! {
        #[test]
        fn the_best_fit_is_found(
            rules in prop::collection::vec(prop::collection::vec(("[kl]", "(|a|b|ab|a\\*|\\*b|\\*|a\\*b)"), 1..4), 0..9),
            wanted in prop::collection::vec(("[kl]", "[ab]{1,3}"), 1..4),
        ) {
            let mut trees = Trees::default();
            for (index, rule) in rules.iter().enumerate() {
                let entries: Vec<Entry> = rule.iter().map(|(key, value)| entry(key, value)).collect();
                trees.add(None, &entries, index);
            }
            let wanted: Vec<(&str, &str)> = wanted.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let mut found = Places::new();
            trees.find(Some("d"), &wanted, &mut found);
            prop_assert_eq!(found.to_vec(), model(&rules, &wanted));
        }
    }
}
