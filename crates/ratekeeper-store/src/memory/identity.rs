//! Who a key is: 80 bits instead of its bytes.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ratekeeper_core::MAX_KEY;

/// Words of eight bytes that the longest key comes to.
const MOST_WORDS: usize = MAX_KEY.div_ceil(8);
/// Numbers that a secret consists of: one for each length, and one for each word.
const NUMBERS: usize = MAX_KEY + 1 + MOST_WORDS;
/// Parts of 64 bits that it consists of.
pub(super) const SECRET: usize = NUMBERS * 4;

/// A number of 128 bits for either sum, lower half first.
type Numbers = [AtomicU64; 4];

/// Stands for a key in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    /// Also says where in the table the counter is. Never 0.
    pub(super) name: u64,
    pub(super) mark: u16,
}

/// Turns keys into identities, by numbers that nobody else knows.
///
/// Multilinear hashing (Lemire and Kaser, "Strongly universal string hashing is fast", 2014): l + Σ mᵢ·sᵢ mod 2^128 over the
/// words sᵢ of a key, where l is a number of its length; the upper 64 bits are taken, and of an independent second such sum
/// the upper 16. Any two
/// different keys have the same identity with a probability of 2^-80, whoever chose them, since nobody sees the numbers mᵢ or
/// anything that is made of them but equality. Among a million keys some two have it with 2^-41; that one of a million
/// million keys of an attacker meets one of them, with 2^-20.
pub(super) struct Identities {
    /// Atomic only so that a store may take in the counters of another; it does so before anybody asks it.
    secret: Box<[Numbers; NUMBERS]>,
}

impl Identities {
    /// With numbers of its own.
    pub(super) fn new() -> Self {
        let secret = Box::new([const { [const { AtomicU64::new(0) }; 4] }; NUMBERS]);
        // SipHash of 0, 1, 2, … under a key that comes from the system, as those of its hash maps do.
        let random = RandomState::new();
        for (number, part) in (0_u64..).zip(secret.as_flattened()) {
            part.store(random.hash_one(number), Relaxed);
        }
        Self { secret }
    }

    /// The secret, for who writes identities down.
    pub(super) fn secret(&self) -> impl Iterator<Item = u64> {
        self.secret.as_flattened().iter().map(|part| part.load(Relaxed))
    }

    /// From now on as the identities that were made by `secret`.
    pub(super) fn adopt(&self, secret: &[u64; SECRET]) {
        for (part, number) in self.secret.as_flattened().iter().zip(secret) {
            part.store(*number, Relaxed);
        }
    }

    /// The identity of a key of at most [`MAX_KEY`] bytes.
    #[inline(always)]
    pub(super) fn of(&self, key: &[u8]) -> Identity {
        let (lengths, words) = self.secret.split_at(MAX_KEY + 1);
        let mut sums = Sums::from(&lengths[key.len().min(MAX_KEY)]);
        // The last word may repeat bytes of the one before: keys of one length have the same words only if they are equal.
        match key.last_chunk::<8>() {
            Some(last) => {
                sums.add(u64::from_le_bytes(*last), &words[0]);
                let (others, _) = key[..key.len() - 1].as_chunks::<8>();
                for (word, numbers) in others.iter().zip(&words[1..]) {
                    sums.add(u64::from_le_bytes(*word), numbers);
                }
            }
            None => {
                let mut bytes = [0; 8];
                bytes[..key.len()].copy_from_slice(key);
                sums.add(u64::from_le_bytes(bytes), &words[0]);
            }
        }
        Identity { name: mix(sums.first.upper()).max(1), mark: (sums.second.upper() >> 48) as u16 }
    }
}

/// The two sums of a key.
struct Sums {
    first: Sum,
    second: Sum,
}

/// A number of 128 bits, as what its lower half comes to, and what belongs to its upper half only.
struct Sum {
    all: u128,
    upper: u64,
}

impl Sums {
    #[inline(always)]
    fn from([first, first_upper, second, second_upper]: &Numbers) -> Self {
        let sum = |lower: &AtomicU64, upper: &AtomicU64| Sum {
            all: lower.load(Relaxed).into(),
            upper: upper.load(Relaxed),
        };
        Self { first: sum(first, first_upper), second: sum(second, second_upper) }
    }

    /// Adds a word, by its number in each sum.
    #[inline(always)]
    fn add(&mut self, word: u64, [first, first_upper, second, second_upper]: &Numbers) {
        self.first.add(word, first.load(Relaxed), first_upper.load(Relaxed));
        self.second.add(word, second.load(Relaxed), second_upper.load(Relaxed));
    }
}

impl Sum {
    #[inline(always)]
    fn add(&mut self, word: u64, lower: u64, upper: u64) {
        // Of less than 2^5 such products the sum stays below 2^128 but for what is of no use: it wraps around.
        self.all = self.all.wrapping_add(u128::from(lower) * u128::from(word));
        self.upper = self.upper.wrapping_add(upper.wrapping_mul(word));
    }

    #[inline(always)]
    fn upper(&self) -> u64 {
        ((self.all >> 64) as u64).wrapping_add(self.upper)
    }
}

/// Places of like keys shall not be alike, though their sums differ by like steps: what says where a counter is, the upper
/// bits and the lower ones, depends on all. One to one, so that names stay different.
#[inline]
fn mix(name: u64) -> u64 {
    let name = (name ^ name >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    name ^ name >> 32
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
        // First sum: 2^64·(5 + 7·last + 3·first); second: 2^112·(1 + last).
        let (of_length, of_words) = (9 * 4, (MAX_KEY + 1) * 4);
        (secret[of_length + 1], secret[of_words + 1], secret[of_words + 5]) = (5, 7, 3);
        (secret[of_length + 3], secret[of_words + 3]) = (1 << 48, 1 << 48);
        identities.adopt(&secret);
        let identity = identities.of(b"\x02\0\0\0\0\0\0\0\x04");
        let (first, last) = (2_u64, 4_u64 << 56);
        assert_eq!(
            identity.name,
            mix(first.wrapping_mul(3).wrapping_add(last.wrapping_mul(7)).wrapping_add(5))
        );
        assert_eq!(identity.mark, 1);
        assert!(identities.secret().eq(secret));
    }
}
