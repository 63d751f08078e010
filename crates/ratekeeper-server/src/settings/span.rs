//! A span of time as people write it.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// A span such as `10s`, `500ms` or `1m 30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(Duration);

impl Span {
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    pub(crate) const fn get(self) -> Duration {
        self.0
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        // A day is more than anything here needs, and far from any overflow.
        span.filter(|span| *span <= Duration::from_secs(86_400)).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "{text:?} is no span up to a day; write one such as 10s, 500ms or 1m"
            ))
        })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
