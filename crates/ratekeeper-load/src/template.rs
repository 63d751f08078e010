//! Texts with places for what differs from request to request.

/// A text such as `{"user": "{key}"}`. `{key}` stands for the key as a name, `{ip}` for it as an address of 10.0.0.0/8,
/// `{n}` for its number; everything else stands for itself.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Key,
    Ip,
    Number,
}

impl Template {
    pub(crate) fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        let found = |text: &str| {
            let places = [("{key}", Part::Key), ("{ip}", Part::Ip), ("{n}", Part::Number)];
            let at = places.into_iter().filter_map(|(name, part)| Some((text.find(name)?, name.len(), part)));
            at.min_by_key(|(at, _, _)| *at)
        };
        while let Some((at, length, part)) = found(rest) {
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_owned()));
            }
            parts.push(part);
            rest = &rest[at + length..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Self { parts }
    }

    /// Whether every key makes another text.
    pub(crate) fn tells_keys_apart(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Text(_)))
    }

    pub(crate) fn write(&self, seed: u64, key: u64, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Key => out.extend_from_slice(format!("bench-{seed:x}-{key}").as_bytes()),
                Part::Ip => {
                    let [_, a, b, c] = address(seed, key);
                    out.extend_from_slice(format!("10.{a}.{b}.{c}").as_bytes());
                }
                Part::Number => out.extend_from_slice(key.to_string().as_bytes()),
            }
        }
    }

    pub(crate) fn text(&self, seed: u64, key: u64) -> String {
        let mut out = Vec::new();
        self.write(seed, key, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

/// The most keys that differ as addresses.
pub(crate) const MOST_ADDRESSES: u64 = 1 << 24;

/// Neighbours, beginning where the seed says: another run asks for others.
fn address(seed: u64, key: u64) -> [u8; 4] {
    let start = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let number = (start + key) % MOST_ADDRESSES;
    u32::try_from(number).unwrap_or_default().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn places_are_filled_and_all_else_stays() {
        let template = Template::new(r#"{"user":"{key}","headers":{"x":"{n}/{n}"},"y":"{other}"}"#);
        assert_eq!(template.text(255, 7), r#"{"user":"bench-ff-7","headers":{"x":"7/7"},"y":"{other}"}"#);
        assert!(template.tells_keys_apart());
        assert!(!Template::new("fixed {").tells_keys_apart());
    }

    #[test]
    fn addresses_differ_by_key_and_by_seed() {
        let template = Template::new("{ip}");
        let addresses: HashSet<_> = (0..10_000).map(|key| template.text(1, key)).collect();
        assert_eq!(addresses.len(), 10_000);
        assert!(addresses.iter().all(|text| text.parse::<std::net::Ipv4Addr>().unwrap().octets()[0] == 10));
        assert_ne!(template.text(1, 0), template.text(2, 0));
    }
}
