//! Selectors as text: for people, and in one form for keys.

use std::fmt::{self, Write as _};

use super::Selector;
use crate::matching::{NameValue, ValuePattern};
use crate::text::{quoted, shown};

/// The most items of a list that are shown to people.
const SHOWN: usize = 3;

impl Selector {
    /// Whom it is about, in one form: the order in which things were written makes no difference, neither does `until`.
    ///
    /// A part of stored keys is made of it: a change here makes counters start anew.
    pub(crate) fn canonical(&self) -> String {
        let mut out = String::new();
        let mut networks: Vec<String> = self.networks.iter().map(|network| network.0.to_string()).collect();
        push(&mut out, "ip", &mut networks);
        push(&mut out, "user", &mut patterns(&self.users));
        for (kind, named) in [("header", &self.headers), ("descriptor", &self.descriptors)] {
            let mut named: Vec<&NameValue> = named.iter().collect();
            named.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, values) in named {
                push(&mut out, &format!("{kind} {}:{name}", name.len()), &mut patterns(values));
            }
        }
        out
    }
}

/// Adds a field and its items.
fn push(out: &mut String, field: &str, items: &mut Vec<String>) {
    if items.is_empty() {
        return;
    }
    items.sort_unstable();
    items.dedup();
    let _ = writeln!(out, "{field} {}", items.join(" "));
}

/// Each pattern in a form of its own: lengths keep them apart, whatever they say.
fn patterns(patterns: &[ValuePattern]) -> Vec<String> {
    let one = |pattern: &ValuePattern| {
        let (kind, text) = match pattern {
            ValuePattern::Exact(text) => ("=", text.as_str()),
            ValuePattern::Prefix(text) => ("prefix", text.as_str()),
            ValuePattern::Suffix(text) => ("suffix", text.as_str()),
            ValuePattern::Part(text) => ("part", text.as_str()),
            // No text has a star in it.
            ValuePattern::Pieces(pieces) => ("pieces", &*pieces.join("*")),
            ValuePattern::Present => ("any", ""),
        };
        format!("{kind}{}:{text}", text.len())
    };
    patterns.iter().map(one).collect()
}

impl fmt::Display for Selector {
    /// `user acme, header x-plan`: escaped and shortened. Values of headers and descriptors may be secret and are left
    /// out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = Vec::new();
        if !self.networks.is_empty() {
            fields.push(format!("ip {}", some(self.networks.iter().map(|network| network.0.to_string()))));
        }
        if !self.users.is_empty() {
            fields.push(format!("user {}", some(self.users.iter().map(brief))));
        }
        fields.extend(self.headers.iter().map(|(name, _)| format!("header {name}")));
        fields.extend(self.descriptors.iter().map(|(name, _)| format!("descriptor {}", shown(name))));
        f.write_str(&fields.join(", "))
    }
}

/// The first items, and how many more there are.
fn some(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(SHOWN);
    let first: Vec<String> = items.take(SHOWN).collect();
    match more {
        0 => first.join(" or "),
        more => format!("{} or {more} more", first.join(" or ")),
    }
}

/// A pattern, in quotes only where it could be misread.
fn brief(pattern: &ValuePattern) -> String {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte))
    };
    let text = |text: &str| if plain(text) { shown(text) } else { quoted(text) };
    match pattern {
        ValuePattern::Exact(exact) => text(exact),
        ValuePattern::Prefix(prefix) => format!("{}*", text(prefix)),
        ValuePattern::Suffix(suffix) => format!("*{}", text(suffix)),
        ValuePattern::Part(part) => format!("*{}*", text(part)),
        ValuePattern::Pieces(pieces) => text(&pieces.join("*")),
        ValuePattern::Present => "*".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::FromText as _;
    use crate::ip::Network;

    fn selector(users: &[&str], networks: &[&str], headers: &[(&str, &str)]) -> Selector {
        let pattern = |text: &&str| ValuePattern::from_text(text).unwrap();
        Selector {
            networks: networks.iter().map(|text| Network::from_text(text).unwrap()).collect(),
            users: users.iter().map(pattern).collect(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), vec![pattern(value)])).collect(),
            ..Selector::default()
        }
    }

    #[test]
    fn one_form_for_one_meaning() {
        let one = selector(&["b", "a*"], &["10.0.0.0/8", "::/0"], &[("x", "1"), ("a", "*")]);
        let other = selector(&["a*", "b", "b"], &["::/0", "10.0.0.0/8"], &[("a", "*"), ("x", "1")]);
        assert_eq!(one.canonical(), other.canonical());
        assert_eq!(selector(&["acme"], &[], &[]).canonical(), "user =4:acme\n");
        let different = [
            selector(&["a"], &[], &[]),
            selector(&["a*"], &[], &[]),
            selector(&["*a"], &[], &[]),
            selector(&["*"], &[], &[]),
            selector(&["a", "b"], &[], &[]),
            selector(&["a =1:b"], &[], &[]),
            selector(&["a\nheader 1:x =1:1"], &[], &[]),
            selector(&["a"], &[], &[("x", "1")]),
            selector(&[], &["10.0.0.0/8"], &[]),
            selector(&[], &["10.0.0.0/9"], &[]),
        ];
        let mut texts: Vec<String> = different.iter().map(Selector::canonical).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), different.len());
    }

    #[test]
    fn people_see_whom_but_no_secrets() {
        let shown = selector(&["acme"], &["10.0.0.0/8"], &[("x-key", "hunter2")]).to_string();
        assert_eq!(shown, "ip 10.0.0.0/8, user acme, header x-key");
        assert_eq!(
            selector(&["a b", "c*", "*", "d", "e"], &[], &[]).to_string(),
            "user \"a b\" or c* or * or 2 more"
        );
        assert_eq!(selector(&["\u{1b}"], &[], &[]).to_string(), "user \"\\u{1b}\"");
    }
}
