//! What a counter is stored under.

use std::fmt;
use std::hash::{Hash, Hasher};

/// The longest key in bytes: what every store can hold.
pub const MAX_KEY: usize = 250;

/// A key is longer than [`MAX_KEY`] bytes, or its scope is longer than the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "key: {length} bytes with a scope of {scope}; a key has at most {MAX_KEY} bytes, its scope is a part of it"
)]
pub struct KeyError {
    length: usize,
    scope: usize,
}

/// The key of one counter: opaque bytes, equal bytes mean the same counter.
///
/// Its first `scope` bytes stand for the limit (rule name and window), the rest for the subject: a store that
/// runs full lets the subjects of one scope share counters, and a cluster places by subject.
#[derive(Clone, Copy, Default)]
pub struct Key<'a> {
    bytes: &'a [u8],
    scope: usize,
}

impl<'a> Key<'a> {
    /// A key that is all subject.
    ///
    /// # Errors
    /// If it is longer than [`MAX_KEY`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, KeyError> {
        Self::scoped(bytes, 0)
    }

    /// A key whose first `scope` bytes stand for the limit.
    ///
    /// # Errors
    /// If it is longer than [`MAX_KEY`], or the scope is longer than the key.
    pub fn scoped(bytes: &'a [u8], scope: usize) -> Result<Self, KeyError> {
        if bytes.len() > MAX_KEY || scope > bytes.len() {
            return Err(KeyError { length: bytes.len(), scope });
        }
        Ok(Self { bytes, scope })
    }

    /// The whole key.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The part that stands for the limit.
    #[must_use]
    pub fn scope(self) -> &'a [u8] {
        &self.bytes[..self.scope]
    }
}

impl PartialEq for Key<'_> {
    /// Equal bytes are the same counter, whatever part of them is the scope.
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.bytes.escape_ascii())
    }
}
