//! How limits are told to clients.

mod draft_11;
mod one_limit;
mod told;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use ratekeeper_core::Timestamp;
use ratekeeper_engine::Outcome;
use smallvec::SmallVec;

pub(crate) use self::told::names;
use self::told::{tightest, told};

/// The header fields that tell a client of its limits.
///
/// ```
/// use ratekeeper_http::Dialect;
/// assert_eq!("draft-11".parse(), Ok(Dialect::Draft11));
/// assert_eq!(Dialect::XRateLimitEpoch.to_string(), "x-ratelimit-epoch");
/// assert!("draft-99".parse::<Dialect>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// None at all, but for `Retry-After`.
    None,
    /// `RateLimit-Policy` and `RateLimit`, every limit by name (draft-ietf-httpapi-ratelimit-headers-11).
    #[default]
    Draft11,
    /// `RateLimit-Policy` and `RateLimit`, the tightest limit (draft 07).
    Draft07,
    /// `RateLimit-Limit`, `-Remaining`, `-Reset` and `-Policy`, the tightest limit (draft 06).
    Draft06,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, the tightest limit, reset in seconds from now.
    XRateLimitDelta,
    /// The same with the reset in seconds since the epoch.
    XRateLimitEpoch,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Draft11,
        Self::Draft07,
        Self::Draft06,
        Self::XRateLimitDelta,
        Self::XRateLimitEpoch,
    ];

    /// The name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Draft11 => "draft-11",
            Self::Draft07 => "draft-07",
            Self::Draft06 => "draft-06",
            Self::XRateLimitDelta => "x-ratelimit",
            Self::XRateLimitEpoch => "x-ratelimit-epoch",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no dialect has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use one of none, draft-11, draft-07, draft-06, x-ratelimit, x-ratelimit-epoch")]
pub struct UnknownDialect;

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, UnknownDialect> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name).ok_or(UnknownDialect)
    }
}

/// Header fields, each name once.
pub type Fields = SmallVec<[(HeaderName, HeaderValue); 4]>;

/// The same as text.
pub type TextFields = SmallVec<[(&'static str, String); 4]>;

/// What a client is told of the enforced limits that `outcome` asked, at `now`. Nothing where none has a counter.
///
/// The quota `q` is the greatest cost that can ever pass at once (of a token bucket its burst), `w` the whole seconds that
/// restore it, `r` what is left, and `t` the whole seconds until there is more; both are rounded up.
#[must_use]
pub fn fields(outcome: &Outcome, dialect: Dialect, now: Timestamp) -> Fields {
    let all = text_fields(outcome, dialect, now).into_iter();
    // Names of rules and numbers always are values.
    all.filter_map(|(name, text)| Some((HeaderName::from_static(name), HeaderValue::try_from(text).ok()?)))
        .collect()
}

/// The same as text: names in lower case, values in ASCII.
#[must_use]
pub fn text_fields(outcome: &Outcome, dialect: Dialect, now: Timestamp) -> TextFields {
    if dialect == Dialect::None {
        return TextFields::new();
    }
    let all = told(outcome);
    match dialect {
        Dialect::Draft11 => draft_11::fields(&all),
        _ => tightest(&all).map_or_else(TextFields::new, |limit| one_limit::fields(limit, dialect, now)),
    }
}

/// Whole seconds until the same request passes, rounded up, at least 1, with `jitter` seconds added; `None` if it passes
/// now, or never will.
#[must_use]
pub fn retry_after(outcome: &Outcome, jitter: u64) -> Option<u64> {
    if outcome.allowed() {
        return None;
    }
    let wait = outcome.retry_after()?;
    Some(told::seconds(wait).max(1).saturating_add(jitter))
}

/// A random number of whole seconds up to `most`, to add to `Retry-After`.
// The edge where clients are answered.
#[allow(clippy::disallowed_methods)]
#[must_use]
pub fn draw_jitter(most: Duration) -> u64 {
    let (most, mut bytes) = (most.as_secs(), [0; 8]);
    if most == 0 || getrandom::fill(&mut bytes).is_err() {
        return 0;
    }
    u64::from_le_bytes(bytes) % most.saturating_add(1)
}

#[cfg(test)]
mod tests;
