//! The names of items: what counters are called in memcached.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ratekeeper_core::{Key, Limit};

/// The longest name that memcached takes, as it is sent.
const LONGEST: usize = 250;
/// The longest name whose base64 it takes.
const LONGEST_ENCODED: usize = LONGEST / 4 * 3;

/// What every name begins with.
#[derive(Clone, Debug)]
pub(crate) struct Prefix(pub(crate) String);

/// The name of an item, as it stands in a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Printable, without spaces: no key can end the line or begin another command.
    pub(crate) text: Vec<u8>,
    /// Whether the server is to decode it (flag `b`).
    pub(crate) encoded: bool,
}

impl Prefix {
    /// The item with the state of a counter: `s:` and the key.
    pub(crate) fn state(&self, key: Key<'_>) -> Name {
        self.name(&[b"s:", key.bytes()].concat())
    }

    /// The item with the count of one window: `w`, when it began, which limit's windows they are, and the key.
    ///
    /// Where the counts of another limit do not matter any more, it has another item.
    pub(crate) fn window(&self, key: Key<'_>, limit: &Limit, start: u64) -> Name {
        let tag = limit.tag().get();
        let kind = match limit.resets_on_change() {
            true => format!("w{start:x}.{tag:x}:"),
            // Which windows; how much may pass in one of them may change.
            false => format!("w{start:x}.{:x}:", tag >> 32),
        };
        self.name(&[kind.as_bytes(), key.bytes()].concat())
    }

    /// As it is where it can be sent so; else encoded; and where that is too long, a hash with a mark that no other
    /// name has. It is long enough that nobody finds two keys with the same.
    fn name(&self, rest: &[u8]) -> Name {
        let plain = [self.0.as_bytes(), rest].concat();
        if plain.len() <= LONGEST && plain.iter().all(u8::is_ascii_graphic) {
            return Name { text: plain, encoded: false };
        }
        if plain.len() <= LONGEST_ENCODED {
            return Name { text: BASE64_STANDARD.encode(plain).into_bytes(), encoded: true };
        }
        let hash = blake3::hash(rest);
        Name { text: format!("{}h:{}", self.0, hash.to_hex()).into_bytes(), encoded: false }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use ratekeeper_core::Micros;

    use super::*;

    fn state(bytes: &[u8]) -> Name {
        Prefix("rk:".to_owned()).state(Key::new(bytes).unwrap())
    }

    #[test]
    fn names_are_plain_where_they_can_be() {
        let plain = |text: &str| Name { text: text.as_bytes().to_vec(), encoded: false };
        assert_eq!(state(b"login:{1:a}"), plain("rk:s:login:{1:a}"));
        assert!(state(b"a b").encoded);
        assert_eq!(state(&[b'a'; 245]).text.len(), 250);
        assert_eq!(state(&[b'a'; 246]).text.len(), "rk:h:".len() + 64);
        assert_eq!(state(&[b' '; 181]).text.len(), 248);
        assert_eq!(state(&[b' '; 182]).text.len(), "rk:h:".len() + 64);
    }

    #[test]
    fn each_window_and_kind_of_window_has_its_item() {
        let key = Key::new(b"alice").unwrap();
        let minute = Limit::fixed_window(5, Micros::MINUTE).unwrap();
        let more = Limit::fixed_window(6, Micros::MINUTE).unwrap();
        let hour = Limit::fixed_window(5, Micros::HOUR).unwrap();
        let name = |limit: &Limit, start| Prefix(String::new()).window(key, limit, start);
        assert_eq!(name(&minute, 60), name(&more, 60), "the count is kept");
        assert_ne!(name(&minute, 60), name(&hour, 60));
        assert_ne!(name(&minute, 60), name(&minute, 120));
        let reset = |limit: &Limit| limit.clone().with_reset_on_change();
        assert_ne!(name(&reset(&minute), 60), name(&reset(&more), 60), "the count is dropped");
    }

    proptest! {
        #[test]
        fn no_key_leaves_its_place_in_the_command(bytes in prop::collection::vec(any::<u8>(), 0..250)) {
            let name = state(&bytes);
            prop_assert!(name.text.len() <= LONGEST && name.text.iter().all(u8::is_ascii_graphic));
        }
    }

    #[test]
    fn different_keys_have_different_names() {
        let mut seen = BTreeSet::new();
        for byte in 0..=u8::MAX {
            for length in 1..=250 {
                let name = state(&vec![byte; length]);
                // What the server decodes is what it compares.
                let stored = match name.encoded {
                    true => BASE64_STANDARD.decode(&name.text).unwrap(),
                    false => name.text,
                };
                assert!(seen.insert(stored), "{length} times {byte}");
            }
        }
    }
}
