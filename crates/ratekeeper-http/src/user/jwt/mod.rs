//! Users that signed tokens name.

mod keys;

use std::borrow::Cow;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};

pub use self::keys::{JwtKeyError, JwtKeys};
use super::{Asked, Identify};

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8 << 10;

/// The user that a JSON Web Token names, sent as `Authorization: Bearer …`.
///
/// Only a token names somebody whose signature one of the [keys](JwtKeys) verifies, by the algorithm that belongs to this
/// key: what the token itself says of its algorithm and its keys is not believed. It must have `exp`, which has not come,
/// and `nbf` has, if it is there. A token with an audience is for those alone: without [`audience`](Self::audience) it names
/// nobody. Every other token is as none; to refuse it is the matter of what authenticates.
///
/// ```
/// use ratekeeper_http::{JwtKeys, JwtSubject, RateLimitLayer};
/// # fn example(layer: RateLimitLayer) -> Result<RateLimitLayer, Box<dyn std::error::Error>> {
/// let keys = JwtKeys::hs256(b"a secret that has at least 32 bytes")?;
/// let user = JwtSubject::new(keys).issuer("https://login.example.com").audience("api");
/// # Ok(
/// layer.user(user)
/// # )
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct JwtSubject {
    keys: JwtKeys,
    claim: String,
    leeway: u64,
    /// Issuer and audience; the rest is checked here.
    validation: Validation,
}

impl JwtSubject {
    /// The subject, claim `sub`, of tokens that these keys verify.
    #[must_use]
    pub fn new(keys: JwtKeys) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library would read the system's clock, and not the one of the engine.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Self { keys, claim: "sub".to_owned(), leeway: 0, validation }
    }

    /// Takes another claim than `sub`: a string, or a whole number.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>) -> Self {
        self.claim = name.into();
        self
    }

    /// Believes only tokens of this issuer, claim `iss`; of one of them when called several times.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.validation.required_spec_claims.insert("iss".to_owned());
        self.validation.iss.get_or_insert_default().insert(issuer.into());
        self
    }

    /// Believes only tokens for this audience, claim `aud`; for one of them when called several times.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.validation.required_spec_claims.insert("aud".to_owned());
        self.validation.aud.get_or_insert_default().insert(audience.into());
        self
    }

    /// How far the clock of the issuer may be off, in whole seconds; 0 by default.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.as_secs();
        self
    }

    /// The claims of a token that one of the keys verifies.
    fn verified(&self, token: &str) -> Option<Map<String, Value>> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let key = self.keys.find(&decode_header(token).ok()?)?;
        let mut validation = self.validation.clone();
        validation.algorithms = vec![key.algorithm];
        Some(decode(token, &key.key, &validation).ok()?.claims)
    }

    fn is_valid_at(&self, claims: &Map<String, Value>, seconds: u64) -> bool {
        let expires = claims.get("exp").and_then(Value::as_f64);
        let begins = claims.get("nbf").map_or(Some(0.0), Value::as_f64);
        expires.is_some_and(|expires| (seconds.saturating_sub(self.leeway) as f64) < expires)
            && begins.is_some_and(|begins| begins <= seconds.saturating_add(self.leeway) as f64)
    }
}

impl Identify for JwtSubject {
    fn identify<'a>(&self, request: &Asked<'a>) -> Option<Cow<'a, str>> {
        let mut claims = self.verified(request.bearer()?)?;
        if !self.is_valid_at(&claims, request.now().as_micros() / 1_000_000) {
            return None;
        }
        match claims.remove(&self.claim)? {
            Value::String(user) if !user.is_empty() => Some(user.into()),
            Value::Number(user) if !user.is_f64() => Some(user.to_string().into()),
            _ => None,
        }
    }
}
