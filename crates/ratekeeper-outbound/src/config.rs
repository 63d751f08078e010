//! What may be set on a pacer.

use std::time::Duration;

/// The bounds of a pacer, and how it takes what peers say.
///
/// ```
/// use std::time::Duration;
/// use ratekeeper_outbound::PacerConfig;
/// let patient = PacerConfig { max_wait: Duration::from_secs(3600), ..PacerConfig::default() };
/// assert_eq!(patient.max_waiting, 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacerConfig {
    /// How many calls of a key may wait at once; 1024 by default.
    pub max_waiting: usize,
    /// How long a call may wait; a minute by default.
    pub max_wait: Duration,
    /// How many keys are paced at once; 65,536 by default. A key goes once nothing of it needs to be remembered.
    pub max_keys: usize,
    /// Every wait grows by a random part of up to this long, so that processes that wait for the same instant do not call
    /// together; zero by default.
    pub jitter: Duration,
    /// The longest that a peer is obeyed when it says to wait, whatever it says; an hour by default. Then one call asks
    /// again.
    pub longest_pause: Duration,
    /// Up to how long the first pause is after a refusal that does not say for how long; a second by default. Each further
    /// one is up to twice as long. Pauses are random between nothing and that.
    pub first_backoff: Duration,
    /// Up to how long such a pause is at most; a minute by default.
    pub longest_backoff: Duration,
}

impl Default for PacerConfig {
    fn default() -> Self {
        Self {
            max_waiting: 1024,
            max_wait: Duration::from_secs(60),
            max_keys: 65_536,
            jitter: Duration::ZERO,
            longest_pause: Duration::from_secs(3600),
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(60),
        }
    }
}
