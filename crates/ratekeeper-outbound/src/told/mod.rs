//! What a response says of its sender's limits.

mod fields;
mod structured;
mod value;

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use ratekeeper_core::Timestamp;
use smallvec::SmallVec;

/// More quotas than this are not looked at.
const MAX_QUOTAS: usize = 16;

/// What a response says of its sender's limits, in whichever dialect.
///
/// Read are `Retry-After` (seconds, with a fraction too, or a date); `RateLimit` and `RateLimit-Policy` of the IETF's drafts
/// 07 to 11; and any family of fields such as `RateLimit-Remaining`, `X-RateLimit-Remaining`, `X-Rate-Limit-Remaining` and
/// `x-ratelimit-remaining-tokens`, each with its `Reset` or `Reset-After`: in seconds, as a duration such as `6m0s`, as an
/// instant since the epoch, or as a date. What makes no sense is passed over. Instants are compared with the response's own
/// `Date`, so that it does not matter how wrong either clock is.
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use ratekeeper_outbound::Told;
/// let mut headers = HeaderMap::new();
/// headers.insert("ratelimit", HeaderValue::from_static("\"login\";r=0;t=12"));
/// let told = Told::read(StatusCode::OK, &headers, Default::default());
/// assert_eq!(told.quotas[0].remaining, 0);
/// assert_eq!(told.wait(), Some(Duration::from_secs(12)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Whether the call was refused for its rate: 429, 503, or a 403 that says when to come back.
    pub refused: bool,
    /// What `Retry-After` says.
    pub retry_after: Option<Duration>,
    /// What is left of each quota, in no order; at most sixteen.
    pub quotas: SmallVec<[Quota; 2]>,
}

/// What is left of one quota of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What it counts.
    pub unit: Unit,
    /// How much is left.
    pub remaining: u64,
    /// How long until there is more, if the peer says so.
    pub reset: Option<Duration>,
}

/// What a quota of the peer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Calls, whatever they cost.
    Calls,
    /// What calls cost.
    Cost,
}

impl Told {
    /// Reads a response that came at `now`.
    #[must_use]
    pub fn read(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Self {
        let date = value::text(headers, DATE.as_str()).and_then(value::date);
        let now = date.unwrap_or(now);
        let mut quotas = SmallVec::new();
        structured::read(headers, &mut quotas);
        fields::read(headers, now, &mut quotas);
        let told = Self { refused: false, retry_after: retry_after(headers, now), quotas };
        Self { refused: told.refuses(status), ..told }
    }

    /// How long not to call: what a refusal's `Retry-After` says, else until the last of the exhausted quotas has more.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        let refused_for = self.retry_after.filter(|_| self.refused);
        // Who refuses and says "now" does not know when.
        refused_for
            .or_else(|| self.exhausted().filter_map(|quota| quota.reset).max())
            .filter(|wait| !wait.is_zero())
    }

    fn exhausted(&self) -> impl Iterator<Item = &Quota> {
        self.quotas.iter().filter(|quota| quota.remaining == 0)
    }

    fn refuses(&self, status: StatusCode) -> bool {
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
            StatusCode::FORBIDDEN => self.retry_after.is_some() || self.exhausted().next().is_some(),
            _ => false,
        }
    }
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = value::text(headers, RETRY_AFTER.as_str())?;
    value::span(text).or_else(|| value::date(text).map(|date| date.since(now).into()))
}

#[cfg(test)]
mod tests;
