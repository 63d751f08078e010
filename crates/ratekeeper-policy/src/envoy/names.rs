//! Names of rules: of what the rule is about, as far as a name can say it.

use std::collections::HashSet;

use super::tree::Node;

/// The most bytes of a name.
const MAX_NAME: usize = 64;

/// The names given so far.
#[derive(Debug)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// With names that no rule may have.
    pub(super) fn new(reserved: HashSet<String>) -> Self {
        Self(reserved)
    }

    /// A name for the rule at the end of a path: `domain.key_value.key`. Where that does not fit or stands for
    /// something else already, a hash of the path tells them apart.
    pub(super) fn give(&mut self, domain: &str, path: &[&Node]) -> String {
        let whole = readable(domain, path);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if whole.len() <= MAX_NAME && whole.bytes().all(fits) && self.0.insert(whole.clone()) {
            return whole;
        }
        let plain: String = whole
            .chars()
            .take(MAX_NAME)
            .map(|c| if u8::try_from(c).is_ok_and(fits) { c } else { '-' })
            .collect();
        let hash = hash(domain, path);
        // A longer part of the hash where a shorter one stands for something else.
        let mut length = 8;
        loop {
            let kept = plain.len().min(MAX_NAME - 1 - length);
            let name = format!("{}-{}", &plain[..kept], &hash[..length]);
            if self.0.insert(name.clone()) || length == 62 {
                return name;
            }
            length += 2;
        }
    }
}

fn readable(domain: &str, path: &[&Node]) -> String {
    let mut name = domain.to_owned();
    for node in path {
        name.push('.');
        name.push_str(&node.key);
        if let Some(value) = &node.value {
            name.push('_');
            name.push_str(value);
        }
    }
    name
}

fn hash(domain: &str, path: &[&Node]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |tag: u8, text: &str| {
        hasher.update(&[tag]);
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(0, domain);
    for node in path {
        part(1, &node.key);
        if let Some(value) = &node.value {
            part(2, value);
        }
    }
    hasher.finalize().to_hex().to_string()
}
