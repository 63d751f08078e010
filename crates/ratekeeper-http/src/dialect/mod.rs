//! How limits are told to clients.

mod draft_11;
mod line;
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

/// Header fields, each name once: two by default.
pub type Fields = SmallVec<[(HeaderName, HeaderValue); 2]>;

/// The same as text.
pub type TextFields = SmallVec<[(&'static str, String); 4]>;

/// Takes fields: names in lower case, values in ASCII.
type Take<'t> = &'t mut dyn FnMut(&'static str, &[u8]);

/// What a client is told of the enforced limits that `outcome` asked, at `now`. Nothing where none has a counter.
///
/// The quota `q` is the greatest cost that can ever pass at once (of a token bucket its burst), `w` the whole seconds that
/// restore it, `r` what is left, and `t` the whole seconds until there is more; both are rounded up.
#[must_use]
pub fn fields(outcome: &Outcome, dialect: Dialect, now: Timestamp) -> Fields {
    let mut all = Fields::new();
    each_field(outcome, dialect, now, &mut |name, text| {
        // Names of rules and numbers always are values.
        if let Ok(value) = HeaderValue::from_bytes(text) {
            all.push((header_name(name), value));
        }
    });
    all
}

/// The same as text: names in lower case, values in ASCII.
#[must_use]
pub fn text_fields(outcome: &Outcome, dialect: Dialect, now: Timestamp) -> TextFields {
    let mut all = TextFields::new();
    each_field(outcome, dialect, now, &mut |name, text| {
        all.push((name, String::from_utf8_lossy(text).into_owned()));
    });
    all
}

fn each_field(outcome: &Outcome, dialect: Dialect, now: Timestamp, take: Take<'_>) {
    match dialect {
        Dialect::None => {}
        Dialect::Draft11 => draft_11::fields(&told(outcome), take),
        _ => {
            if let Some(limit) = tightest(&told(outcome)) {
                one_limit::fields(limit, dialect, now, take);
            }
        }
    }
}

/// Names as headers: those of every answer are checked when this is compiled.
fn header_name(name: &'static str) -> HeaderName {
    const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
    const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
    match name {
        "ratelimit-policy" => POLICY,
        "ratelimit" => LIMIT,
        _ => HeaderName::from_static(name),
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
