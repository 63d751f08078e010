//! Mutations of an input, the same in every run.

/// The mutation of `seed` with this number: one to four small changes, some with parts of `other`.
pub(crate) fn mutate(seed: &[u8], other: &[u8], number: u64) -> Vec<u8> {
    let mut random = Random::new(number);
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(3) {
        change(&mut bytes, other, &mut random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    /// What breaks parsers.
    const HOSTILE: [&[u8]; 12] = [
        b"\0",
        b"\"",
        b"\\",
        b"\n",
        b"\r\n",
        b"{",
        b"[[",
        b": ",
        b"99999999999999999999",
        b"-1",
        b"\xff",
        "é\u{202e}".as_bytes(),
    ];
    let at = random.below(bytes.len());
    let length = random.below(bytes.len() - at).min(random.below(32));
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..at + length)),
        2 => {
            let copy = bytes[at..at + length].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, copy);
        }
        3 => {
            let from = random.below(other.len());
            let until = (from + random.below(64)).min(other.len());
            bytes.splice(at..at + length, other[from..until].iter().copied());
        }
        4 => {
            let piece = HOSTILE[random.below(HOSTILE.len() - 1)];
            bytes.splice(at..at, piece.iter().copied());
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(7);
            }
        }
    }
}

/// A xorshift generator.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn new(number: u64) -> Self {
        Self((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number from 0 to `most`.
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let range = u64::try_from(most).unwrap() + 1;
        usize::try_from((self.0 >> 11) % range).unwrap()
    }
}

#[test]
fn mutations_are_the_same_in_every_run_and_differ() {
    let all = |number| mutate(b"100 per minute burst 20", b"5/s", number);
    assert_eq!(all(7), all(7));
    assert!((0..100).filter(|number| all(*number) != b"100 per minute burst 20").count() > 80);
    // Also of nothing.
    assert!((0..100).all(|number| mutate(b"", b"", number).len() < 100));
}
