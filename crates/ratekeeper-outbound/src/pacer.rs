//! The pacer.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use ratekeeper_core::Limit;

use crate::keys::Keys;
use crate::settings::Settings;
use crate::{PaceError, PacerConfig, Permit, Told, Turn};

/// Lets calls to somebody else's service go as fast as limits allow, and as the service asks for.
///
/// All limits hold together, for each key by itself; without a key all calls are one. Calls wait in the order in which they
/// came, in a bounded line. What the peer answers, told by [`Permit::observe`](crate::Permit::observe), makes calls go
/// slower, never faster: nobody calls before the instant that it names, no more calls go than it says are left, and where it
/// refuses without saying for how long, pauses grow exponentially. A pacer without limits goes by the peer alone, and lets
/// one call find out first.
///
/// Calls are counted at the instant they are let go, so that what the limits let through in any interval stays within their
/// envelopes. A future that has been let go and is not polled calls when it is.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use ratekeeper_core::{Limit, Micros};
/// use ratekeeper_outbound::{Pacer, PacerConfig};
///
/// let limits = [Limit::token_bucket(10, Micros::SECOND)?, Limit::sliding_window(1000, Micros::HOUR)?];
/// let pacer = Pacer::with(limits, PacerConfig::default());
/// let mut permit = pacer.until_ready_for("api.example.com").await?;
/// // The call; this is what it answers.
/// let mut headers = HeaderMap::new();
/// headers.insert("retry-after", HeaderValue::from_static("30"));
/// permit.observe(StatusCode::TOO_MANY_REQUESTS, &headers);
/// assert!(pacer.try_ready_for("api.example.com").is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Of every call: [`TooCostly`](crate::PaceError::TooCostly) if the limits never let so much through at once,
/// [`TooManyKeys`](crate::PaceError::TooManyKeys) and [`Key`](crate::PaceError::Key). Of those that wait:
/// [`Full`](crate::PaceError::Full), [`TooLong`](crate::PaceError::TooLong) and
/// [`NoRuntime`](crate::PaceError::NoRuntime).
#[derive(Clone, Debug)]
pub struct Pacer {
    settings: Arc<Settings>,
    keys: Arc<Keys>,
}

impl Pacer {
    /// A pacer by one limit, within the usual bounds.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self::with([limit], PacerConfig::default())
    }

    /// A pacer by all of `limits`; by what peers say alone, if there are none.
    ///
    /// Buckets, windows and logs are as everywhere. A leaky bucket as a queue spaces calls evenly, and nobody waits longer
    /// than its longest delay. A concurrency limit is how many calls are out at once, by their permits.
    #[must_use]
    pub fn with(limits: impl IntoIterator<Item = Limit>, config: PacerConfig) -> Self {
        let settings = Arc::new(Settings::new(limits.into_iter().collect(), config));
        Self { settings, keys: Arc::default() }
    }

    /// The turn of a call without a key: await it.
    pub fn until_ready(&self) -> Turn {
        self.until_ready_for("")
    }

    /// The turn of a call that counts for `key`, such as a host or an account: await it.
    pub fn until_ready_for(&self, key: impl AsRef<[u8]>) -> Turn {
        Turn::new(self.keys.lane(key.as_ref(), &self.settings))
    }

    /// Lets a call without a key go now, or not at all.
    ///
    /// # Errors
    /// [`PaceError::TooLong`] if it would have to wait, and those of every call.
    pub fn try_ready(&self) -> Result<Permit, PaceError> {
        self.until_ready().now()
    }

    /// Lets a call go now that counts for `key`, or not at all.
    ///
    /// # Errors
    /// As [`try_ready`](Self::try_ready).
    pub fn try_ready_for(&self, key: impl AsRef<[u8]>) -> Result<Permit, PaceError> {
        self.until_ready_for(key).now()
    }

    /// Takes in what a response says whose permit is not at hand, such as one that another process saw.
    /// [`Permit::observe`] is better: it knows which calls the peer may not have counted when it answered.
    pub fn observe(&self, status: StatusCode, headers: &HeaderMap) -> Told {
        self.observe_for("", status, headers)
    }

    /// The same for `key`. Where there is no room for another key, nothing is remembered.
    pub fn observe_for(&self, key: impl AsRef<[u8]>, status: StatusCode, headers: &HeaderMap) -> Told {
        let told = Told::read(status, headers, self.settings.time.now());
        if let Ok(lane) = self.keys.lane(key.as_ref(), &self.settings) {
            lane.hear(&told, None);
        }
        told
    }
}
