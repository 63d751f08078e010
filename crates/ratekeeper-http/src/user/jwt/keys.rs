//! The keys that verify tokens.

use jsonwebtoken::crypto::{CryptoProvider, rust_crypto};
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Header};

/// The shortest secret of HS256, in bytes (RFC 7518, 3.2).
const MIN_SECRET: usize = 32;
/// The shortest key of RS256, in bytes (RFC 7518, 3.3).
const MIN_RSA: usize = 256;

/// The keys of a [`JwtSubject`](super::JwtSubject), each for one algorithm.
///
/// ```
/// use ratekeeper_http::JwtKeys;
/// let pem = "-----BEGIN PUBLIC KEY-----
/// MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
/// -----END PUBLIC KEY-----";
/// let keys = JwtKeys::eddsa(pem)?;
/// assert!(JwtKeys::rs256(pem).is_err());
/// # let _ = keys;
/// # Ok::<_, ratekeeper_http::JwtKeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JwtKeys(Vec<JwtKey>);

/// Secrets are not shown.
#[derive(Clone, Debug)]
pub(super) struct JwtKey {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// A key that cannot verify anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtKeyError {
    /// A secret that could be guessed.
    #[error("the secret of HS256 has {0} bytes; use one of at least {MIN_SECRET} random bytes")]
    ShortSecret(usize),
    /// No public key of this algorithm.
    #[error("this is no public key of {algorithm} in PEM; {right}")]
    Pem {
        /// The algorithm.
        algorithm: &'static str,
        /// What would be right.
        right: &'static str,
    },
    /// No JSON Web Key Set.
    #[error("this is no JSON Web Key Set such as {{\"keys\": […]}}: {0}")]
    KeySet(String),
    /// A set without a usable key.
    #[error("the JSON Web Key Set has no public key of RS256, ES256 or EdDSA that verifies signatures")]
    NoKey,
    /// A set with keys that tokens cannot choose between.
    #[error(
        "the JSON Web Key Set has two keys of {0} that tokens cannot choose between; give each a kid of its own"
    )]
    SameKey(String),
}

impl JwtKeys {
    /// The secret that HS256 signs with, at least 32 bytes.
    ///
    /// # Errors
    /// If it is shorter.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, JwtKeyError> {
        let secret = secret.as_ref();
        let short = || JwtKeyError::ShortSecret(secret.len());
        if secret.len() < MIN_SECRET {
            return Err(short());
        }
        let key = DecodingKey::from_secret(secret).map_err(|_| short())?;
        Ok(Self::of(vec![JwtKey { id: None, algorithm: Algorithm::HS256, key }]))
    }

    /// The public key of RS256 in PEM, at least 2048 bits.
    ///
    /// # Errors
    /// If it is none.
    pub fn rs256(pem: impl AsRef<[u8]>) -> Result<Self, JwtKeyError> {
        let right = "write BEGIN PUBLIC KEY with an RSA key of at least 2048 bits";
        Self::pem(pem.as_ref(), "RS256", Algorithm::RS256, DecodingKey::from_rsa_pem, right)
    }

    /// The public key of ES256 in PEM.
    ///
    /// # Errors
    /// If it is none.
    pub fn es256(pem: impl AsRef<[u8]>) -> Result<Self, JwtKeyError> {
        let right = "write BEGIN PUBLIC KEY with a key of the curve P-256";
        Self::pem(pem.as_ref(), "ES256", Algorithm::ES256, DecodingKey::from_ec_pem, right)
    }

    /// The public key of EdDSA in PEM.
    ///
    /// # Errors
    /// If it is none.
    pub fn eddsa(pem: impl AsRef<[u8]>) -> Result<Self, JwtKeyError> {
        let right = "write BEGIN PUBLIC KEY with a key of the curve Ed25519";
        Self::pem(pem.as_ref(), "EdDSA", Algorithm::EdDSA, DecodingKey::from_ed_pem, right)
    }

    /// A JSON Web Key Set as an issuer publishes it. Its public keys for RS256, ES256 and EdDSA are taken. Tokens
    /// choose by `alg` and `kid`; a key without an id must be the only one of its algorithm.
    ///
    /// # Errors
    /// If it is none, has no such key, or two that tokens cannot choose between.
    pub fn jwks(json: impl AsRef<[u8]>) -> Result<Self, JwtKeyError> {
        let set: JwkSet =
            serde_json::from_slice(json.as_ref()).map_err(|error| JwtKeyError::KeySet(error.to_string()))?;
        let keys: Vec<JwtKey> = set.keys.iter().filter_map(of_set).collect();
        if keys.is_empty() {
            return Err(JwtKeyError::NoKey);
        }
        for (place, key) in keys.iter().enumerate() {
            if keys[..place].iter().any(|other| other.fits(key.algorithm, key.id.as_deref())) {
                return Err(JwtKeyError::SameKey(format!("{:?}", key.algorithm)));
            }
        }
        Ok(Self::of(keys))
    }

    fn pem(
        pem: &[u8],
        name: &'static str,
        algorithm: Algorithm,
        read: fn(&[u8]) -> jsonwebtoken::errors::Result<DecodingKey>,
        right: &'static str,
    ) -> Result<Self, JwtKeyError> {
        let is_public = ["-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----"]
            .iter()
            .any(|begin| pem.trim_ascii_start().starts_with(begin.as_bytes()));
        match read(pem) {
            Ok(key) if is_public && is_whole(algorithm, &key) => {
                Ok(Self::of(vec![JwtKey { id: None, algorithm, key }]))
            }
            _ => Err(JwtKeyError::Pem { algorithm: name, right }),
        }
    }

    fn of(keys: Vec<JwtKey>) -> Self {
        // Where a program brings in both of its libraries of cryptography, the crate would panic for want of a choice.
        if CryptoProvider::try_get_default().is_none() {
            // Fails if somebody else has chosen meanwhile.
            _ = rust_crypto::DEFAULT_PROVIDER.install_default();
        }
        Self(keys)
    }

    /// The key that a token is signed with, as its head says; nobody guesses between several.
    pub(super) fn find(&self, head: &Header) -> Option<&JwtKey> {
        let mut fitting = self.0.iter().filter(|key| key.fits(head.alg, head.kid.as_deref()));
        fitting.next().filter(|_| fitting.next().is_none())
    }
}

impl JwtKey {
    /// Whether it may be the key of this algorithm and id, one of which may have been left out.
    fn fits(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let own = self.id.as_deref();
        self.algorithm == algorithm && (own.is_none() || id.is_none() || own == id)
    }
}

/// A key of a set, if it verifies signatures by an algorithm that is known here.
fn of_set(jwk: &Jwk) -> Option<JwtKey> {
    let common = &jwk.common;
    let is_for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let operations = common.key_operations.as_deref();
    if !is_for_signatures || operations.is_some_and(|all| !all.contains(&KeyOperations::Verify)) {
        return None;
    }
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    let fits = common.key_algorithm.is_none_or(|stated| stated == name) && is_whole(algorithm, &key);
    fits.then(|| JwtKey { id: common.key_id.clone(), algorithm, key })
}

/// Whether a key is as long as its algorithm needs.
fn is_whole(algorithm: Algorithm, key: &DecodingKey) -> bool {
    match (algorithm, key.kind()) {
        (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, .. }) => n.len() >= MIN_RSA,
        (Algorithm::RS256, DecodingKeyKind::SecretOrDer(der)) => der.len() > MIN_RSA,
        (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => point.len() == 65,
        (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(point)) => point.len() == 32,
        _ => false,
    }
}
