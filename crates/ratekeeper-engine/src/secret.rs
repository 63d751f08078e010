//! The key that authenticates handles of reservations.

use std::fmt;

/// 256 bits that nobody else knows. Engines that settle each other's reservations share it.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret of the caller's.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A secret that ends with this process: from the operating system's randomness.
    ///
    /// # Errors
    /// If the operating system gives none.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(random()?))
    }

    /// Authenticates `message` for one purpose.
    pub(crate) fn sign(&self, message: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.0, message)
    }
}

/// Bytes of the operating system's randomness.
// The edge where an engine is put together; everything below is handed its randomness.
#[allow(clippy::disallowed_methods)]
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
