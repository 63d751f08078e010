//! Bearer tokens: only their hashes are kept.

use std::fmt;

use constant_time_eq::constant_time_eq_32;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TokenHash([u8; 32]);

/// What begins a hash in the configuration.
const SCHEME: &str = "sha256:";

/// A token is not given as its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no hash of a token: write sha256: and 64 hexadecimal digits, as `ratekeeper token` prints them"
)]
pub(crate) struct NoTokenHash;

impl TokenHash {
    /// The hash of a token.
    pub(crate) fn of(token: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(token.as_ref()).into())
    }

    /// # Errors
    /// If the text is no `sha256:` and 64 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Result<Self, NoTokenHash> {
        let digits = text.trim().strip_prefix(SCHEME).ok_or(NoTokenHash)?.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 64 {
            return Err(NoTokenHash);
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let digit =
                |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => *byte = high << 4 | low,
                _ => return Err(NoTokenHash),
            }
        }
        Ok(Self(hash))
    }

    /// Whether it is one of `hashes`. Takes the same time wherever it stands, and however much is right.
    pub(crate) fn is_among(&self, hashes: &[Self]) -> bool {
        hashes.iter().fold(false, |found, hash| found | constant_time_eq_32(&hash.0, &self.0))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_known_by_their_hash() {
        let hash = TokenHash::of("abc");
        assert_eq!(
            hash.to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(TokenHash::parse(&hash.to_string()), Ok(hash.clone()));
        assert!(TokenHash::of("abc").is_among(&[TokenHash::of("x"), hash.clone()]));
        assert!(!TokenHash::of("abd").is_among(std::slice::from_ref(&hash)));
        assert!(!TokenHash::of("").is_among(&[]));
        assert_eq!(format!("{hash:?}"), "TokenHash(…)");
        for wrong in ["abc", "sha256:", "sha256:zz", &"sha256:é".repeat(32), "md5:00"] {
            assert_eq!(TokenHash::parse(wrong), Err(NoTokenHash), "{wrong}");
        }
    }
}
