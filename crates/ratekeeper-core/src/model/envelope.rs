//! The most that may ever be admitted.

use crate::{Algorithm, Limit, Micros, Period, Timestamp};

/// At most `most` in any half-open interval of length `span`, net of refunds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The length of the interval.
    pub span: Micros,
    /// The sum of the costs.
    pub most: u128,
}

/// An interval in which more was admitted than its envelope allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Where the interval begins.
    pub from: Timestamp,
    /// How much was admitted in it.
    pub admitted: u128,
    /// What was broken.
    pub envelope: Envelope,
}

/// The envelope of `limit` when no cost is above `n_max`.
///
/// Of a queue it counts those who obey their delay, at the instant to which they were delayed. Of a concurrency
/// limit it counts who holds at one instant, not who came in an interval: its span is one microsecond, for a log
/// of holders at instants.
#[must_use]
pub fn envelope(limit: &Limit, n_max: u64) -> Envelope {
    let (count, burst) = (u128::from(limit.count()), u128::from(limit.burst()));
    let most = match limit.algorithm() {
        Algorithm::TokenBucket | Algorithm::LeakyBucket => count + burst - 1,
        Algorithm::LeakyQueue => count + u128::from(n_max) - 1,
        Algorithm::FixedWindow | Algorithm::CalendarWindow => 2 * count,
        Algorithm::SlidingWindow => 2 * count - 1,
        Algorithm::SlidingLog | Algorithm::Concurrency => count,
    };
    let span = match (limit.algorithm(), limit.calendar()) {
        (Algorithm::Concurrency, _) => Micros::new(1),
        (_, Some(calendar)) => shortest(calendar.period()),
        _ => limit.window(),
    };
    Envelope { span, most }
}

/// No longer than any such period in any zone: clocks are set by up to three hours, and a zone may skip a date.
fn shortest(period: Period) -> Micros {
    let days = match period {
        Period::Day => return Micros::from_secs(20 * 3600),
        Period::Week => 5,
        Period::Month => 26,
        Period::Year => 363,
    };
    Micros::from_secs(days * 86_400)
}

/// Checks the log of what was admitted, instants and costs, against the envelope: every interval that begins with
/// an admission, for any other holds no more.
///
/// Where the clock may step back, give the latest instant seen so far with each admission.
///
/// # Errors
/// The first interval that holds too much.
pub fn check_envelope(
    limit: &Limit,
    n_max: u64,
    admitted: impl IntoIterator<Item = (Timestamp, u64)>,
) -> Result<(), Excess> {
    let envelope = envelope(limit, n_max);
    let mut log: Vec<(Timestamp, u64)> = admitted.into_iter().collect();
    log.sort_by_key(|&(at, _)| at);
    for (first, &(from, _)) in log.iter().enumerate() {
        let inside = log[first..].iter().take_while(|(at, _)| at.since(from) < envelope.span);
        let admitted: u128 = inside.map(|&(_, cost)| u128::from(cost)).sum();
        if admitted > envelope.most {
            return Err(Excess { from, admitted, envelope });
        }
    }
    Ok(())
}
