//! The names of algorithms, as people write them.

use ratekeeper_core::Algorithm;

const ALIASES: &[(&str, Algorithm)] = &[
    ("gcra", Algorithm::TokenBucket),
    ("meter", Algorithm::LeakyBucket),
    ("queue", Algorithm::LeakyQueue),
    ("leaky_bucket_queue", Algorithm::LeakyQueue),
    ("calendar", Algorithm::CalendarWindow),
    ("sliding_window_counter", Algorithm::SlidingWindow),
    ("sliding_counter", Algorithm::SlidingWindow),
    ("sliding_window_log", Algorithm::SlidingLog),
    ("fixed_window_counter", Algorithm::FixedWindow),
    ("concurrent", Algorithm::Concurrency),
];

/// The algorithm called `name`; case does not matter, hyphens and spaces count as underscores.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    let name = name.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    let by_name = Algorithm::ALL.iter().copied().find(|known| known.name() == name);
    by_name.or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, known)| *known))
}
