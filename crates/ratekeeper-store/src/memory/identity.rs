//! Who a key is: 80 bits instead of its bytes.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ratekeeper_core::MAX_KEY;

/// Words of eight bytes that the longest key comes to, its length among them.
const MOST_WORDS: usize = MAX_KEY / 8 + 1;
/// Numbers of 64 bits that a secret consists of: two sums, each with a first number and one a word, of 128 bits each.
pub(super) const SECRET: usize = 2 * 2 * (MOST_WORDS + 1);

/// Stands for a key in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    /// Also says where in the table the counter is.
    pub(super) name: u64,
    pub(super) mark: u16,
}

/// Turns keys into identities, by numbers that nobody else knows.
///
/// Multilinear hashing (Lemire and Kaser, "Strongly universal string hashing is fast", 2014): m₀ + Σ mᵢ·sᵢ mod 2^128 over
/// the words sᵢ of a key, of which the upper 64 bits are taken; of an independent second such sum the upper 16. Any two
/// different keys have the same identity with a probability of 2^-80, whoever chose them, since nobody sees the numbers mᵢ or
/// anything that is made of them but equality. Among a million keys some two have it with 2^-41; that one of a million
/// million keys of an attacker meets one of them, with 2^-20.
pub(super) struct Identities {
    /// Two for each 128-bit number, of the two sums in turn. Atomic only so that a store may take in the counters of another;
    /// it does so before anybody asks it.
    secret: Box<[AtomicU64; SECRET]>,
}

impl Identities {
    /// With numbers of its own.
    pub(super) fn new() -> Self {
        let secret = Box::new([const { AtomicU64::new(0) }; SECRET]);
        for (number, part) in (0_u64..).zip(secret.iter()) {
            // SipHash under keys of the process that come from the system: as random as its hash maps need.
            part.store(RandomState::new().hash_one(number), Relaxed);
        }
        Self { secret }
    }

    /// The secret, for who writes identities down.
    pub(super) fn secret(&self) -> impl Iterator<Item = u64> {
        self.secret.iter().map(|part| part.load(Relaxed))
    }

    /// From now on as the identities that were made by `secret`.
    pub(super) fn adopt(&self, secret: &[u64; SECRET]) {
        for (part, number) in self.secret.iter().zip(secret) {
            part.store(*number, Relaxed);
        }
    }

    /// The identity of a key of at most [`MAX_KEY`] bytes.
    #[inline]
    pub(super) fn of(&self, key: &[u8]) -> Identity {
        let [mut first, mut second] = self.numbers(0);
        let mut add = |place: usize, word: u64| {
            let [one, other] = self.numbers(place);
            first = first.wrapping_add(one.wrapping_mul(word.into()));
            second = second.wrapping_add(other.wrapping_mul(word.into()));
        };
        let (words, rest) = key.as_chunks::<8>();
        for (place, word) in words.iter().enumerate() {
            add(place + 1, u64::from_le_bytes(*word));
        }
        // The last word has the length of the key in its upper byte: no two keys have the same words.
        add(words.len() + 1, tail(key, rest) | (key.len() as u64) << 56);
        Identity { name: mix((first >> 64) as u64), mark: (second >> 112) as u16 }
    }

    /// The numbers by which the word at `place` counts in both sums.
    #[inline]
    fn numbers(&self, place: usize) -> [u128; 2] {
        let place = place.min(MOST_WORDS) * 4;
        let part = |index: usize| u128::from(self.secret[place + index].load(Relaxed));
        [part(0) | part(1) << 64, part(2) | part(3) << 64]
    }
}

/// The last bytes of a key, less than eight, as a number.
#[inline]
fn tail(key: &[u8], rest: &[u8]) -> u64 {
    if let Some(last) = key.last_chunk::<8>() {
        // What stands before them is shifted out.
        let whole = u64::from_le_bytes(*last);
        return if rest.is_empty() { 0 } else { whole >> (64 - 8 * rest.len()) };
    }
    let mut bytes = [0; 8];
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(bytes)
}

/// Places of like keys shall not be alike: their sums differ by like steps. One to one, so that names stay different.
#[inline]
fn mix(name: u64) -> u64 {
    (name ^ name >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_byte_and_the_length_count() {
        let identities = Identities::new();
        let mut seen = HashSet::new();
        let mut other = |key: &[u8]| assert!(seen.insert((identities.of(key).name, identities.of(key).mark)));
        for length in 0..=MAX_KEY {
            let mut key = vec![0; length];
            other(&key);
            for place in 0..length {
                for bit in [1, 0x80] {
                    key[place] = bit;
                    other(&key);
                }
                key[place] = 0;
            }
        }
    }

    /// By numbers with which the sums can be told by hand.
    #[test]
    fn an_identity_is_the_upper_part_of_two_sums() {
        let identities = Identities::new();
        let mut secret = [0; SECRET];
        // First sum: 2^64·(5 + 3·s₁ + 7·s₂); second: 2^112·(1 + s₂).
        (secret[1], secret[5], secret[9]) = (5, 3, 7);
        (secret[3], secret[11]) = (1 << 48, 1 << 48);
        identities.adopt(&secret);
        let key = *b"\x02\0\0\0\0\0\0\0\x04";
        let last = 4 + (9 << 56);
        let identity = identities.of(&key);
        assert_eq!(identity.name, mix((5_u64 + 3 * 2).wrapping_add(7_u64.wrapping_mul(last))));
        assert_eq!(identity.mark, 1 + 4);
        assert!(identities.secret().eq(secret));
    }
}
