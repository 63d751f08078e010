//! Users by the key that they send.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{Asked, Identify};

/// The longest key that is looked at, in bytes.
const MAX_KEY: usize = 1024;

/// The user by the API key that a request sends, in a header or in the query.
///
/// A key is a secret: the user is its hash, `key:` and 32 hexadecimal digits, so that counters, events and logs never show
/// it. Better, [`account`](Self::account) says whose key it is.
///
/// Without `account` nobody knows whether the key is a good one, and a client could make up a new one with every request.
/// Then let authentication run first, or limit addresses as well.
///
/// ```
/// use std::collections::HashMap;
/// use ratekeeper_http::{ApiKey, RateLimitLayer};
/// # fn example(layer: RateLimitLayer, accounts: HashMap<String, String>) -> RateLimitLayer {
/// layer.user(ApiKey::header("x-api-key").account(move |key| accounts.get(key).cloned()))
/// # }
/// ```
#[derive(Clone)]
pub struct ApiKey {
    place: Place,
    account: Option<Arc<Account>>,
}

type Account = dyn Fn(&str) -> Option<String> + Send + Sync;

#[derive(Clone, Debug)]
enum Place {
    Header(String),
    Bearer,
    Query(String),
}

impl ApiKey {
    /// The key in this header, whose name is in whichever case.
    #[must_use]
    pub fn header(name: &str) -> Self {
        Self::at(Place::Header(name.to_ascii_lowercase()))
    }

    /// The key in `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer() -> Self {
        Self::at(Place::Bearer)
    }

    /// The key in this parameter of the query. Queries stand in access logs: prefer a header.
    #[must_use]
    pub fn query(name: impl Into<String>) -> Self {
        Self::at(Place::Query(name.into()))
    }

    fn at(place: Place) -> Self {
        Self { place, account: None }
    }

    /// Names the account of a key; a key that has none names nobody.
    #[must_use]
    pub fn account(mut self, account: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.account = Some(Arc::new(account));
        self
    }

    fn key<'a>(&self, request: &Asked<'a>) -> Option<Cow<'a, str>> {
        let key = match &self.place {
            Place::Header(name) => request.header(name).map(Cow::Borrowed),
            Place::Bearer => request.bearer().map(Cow::Borrowed),
            Place::Query(name) => parameter(request.query()?, name),
        };
        key.filter(|key| !key.is_empty() && key.len() <= MAX_KEY)
    }
}

/// The value of a parameter that is there once. Both are decoded: a key that is spelled in another way stays the same. What is
/// not UTF-8 is none, as all of it would be decoded to the same replacement character.
fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut values = pairs.filter(|(key, _)| key == name).map(|(_, value)| value);
    let value = values.next()?;
    (values.next().is_none() && !value.contains(char::REPLACEMENT_CHARACTER)).then_some(value)
}

impl Identify for ApiKey {
    fn identify<'a>(&self, request: &Asked<'a>) -> Option<Cow<'a, str>> {
        let key = self.key(request)?;
        let user = match &self.account {
            Some(account) => account(&key)?,
            None => format!("key:{}", &blake3::hash(key.as_bytes()).to_hex()[..32]),
        };
        Some(Cow::Owned(user))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("place", &self.place).finish_non_exhaustive()
    }
}
