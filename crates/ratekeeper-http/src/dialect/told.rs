//! What there is to tell of each limit, whatever the dialect.

use std::borrow::Cow;

use ratekeeper_core::{Algorithm, Limit, Micros, Verdict};
use ratekeeper_engine::{LimitOutcome, Outcome};
use ratekeeper_policy::Mode;
use smallvec::SmallVec;

/// The greatest integer of a structured field (RFC 9651).
const MAX_INTEGER: u64 = 999_999_999_999_999;
/// The most limits that a client is told of.
const MAX_TOLD: usize = 16;

/// One limit as clients see it.
pub(crate) struct Told<'o> {
    pub(super) name: Cow<'o, str>,
    pub(super) refuses: bool,
    /// Whether requests are held, not counted.
    pub(super) holds: bool,
    pub(super) quota: u64,
    /// Whole seconds that restore the quota.
    pub(super) window: u64,
    pub(super) remaining: u64,
    /// Whole seconds until more is left; `None` if nothing is missing, or nobody knows.
    pub(super) next: Option<u64>,
}

/// The enforced limits that have a counter, in the order of the policy; if they are too many, the refusing ones first.
pub(super) fn told(outcome: &Outcome) -> SmallVec<[Told<'_>; 2]> {
    let mut all: SmallVec<[Told<'_>; 2]> = enforced(outcome)
        .filter_map(|(limit, name)| limit.verdict.as_ref().map(|verdict| tell(limit, verdict, name)))
        .collect();
    if all.len() > MAX_TOLD {
        all.sort_by_key(|limit| !limit.refuses);
        all.truncate(MAX_TOLD);
    }
    all
}

/// The names of the limits that refuse, each as the fields have it.
pub(crate) fn names(outcome: &Outcome) -> Vec<String> {
    enforced(outcome)
        .filter(|(limit, _)| !limit.allowed)
        .map(|(_, name)| name.into_owned())
        .collect()
}

/// The limit that a client meets first: the one that refuses longest, else the one with the least left.
pub(super) fn tightest<'t, 'o>(all: &'t [Told<'o>]) -> Option<&'t Told<'o>> {
    all.iter().min_by_key(|limit| {
        let wait = u64::MAX - limit.next.unwrap_or(0);
        (!limit.refuses, if limit.refuses { 0 } else { limit.remaining }, wait)
    })
}

/// Enforced limits with their names: that of the rule, and where it has several limits, the window.
fn enforced(outcome: &Outcome) -> impl Iterator<Item = (&LimitOutcome, Cow<'_, str>)> {
    let limits = &outcome.limits;
    limits
        .iter()
        .enumerate()
        .filter(|(_, limit)| match limit.mode {
            Mode::Enforce => true,
            // A quota that is used up while another is left refuses nobody.
            Mode::Quota => limit.allowed || !outcome.allowed(),
            _ => false,
        })
        .map(move |(place, limit)| {
            let rule = outcome.rule(limit).name();
            let of_rule = |other: &&LimitOutcome| other.rule == limit.rule;
            if limits.iter().filter(of_rule).count() == 1 {
                return (limit, rule.into());
            }
            let label = label(&limit.limit);
            let same =
                limits[..place].iter().filter(of_rule).filter(|other| self::label(&other.limit) == label);
            let name = match same.count() {
                0 => format!("{rule}:{label}"),
                before => format!("{rule}:{label}.{before}"),
            };
            (limit, name.into())
        })
}

fn label(limit: &Limit) -> String {
    match limit.calendar() {
        Some(calendar) => calendar.period().name().to_owned(),
        None if limit.algorithm() == Algorithm::Concurrency => "concurrent".to_owned(),
        None => limit.window().to_string(),
    }
}

fn tell<'o>(outcome: &LimitOutcome, verdict: &Verdict, name: Cow<'o, str>) -> Told<'o> {
    let limit = &outcome.limit;
    let quota = limit.largest_cost();
    let holds = limit.algorithm() == Algorithm::Concurrency;
    let next = next(limit, verdict, quota);
    // Who is refused is never told to wait longer for a unit than for the whole request.
    let next = match verdict.retry_after {
        Some(wait) if !outcome.allowed => next.map(|next| next.min(wait)),
        _ => next,
    };
    Told {
        name,
        refuses: !outcome.allowed,
        holds,
        quota: quota.min(MAX_INTEGER),
        window: seconds(restoring(limit, quota)).max(1),
        remaining: verdict.remaining.min(quota).min(MAX_INTEGER),
        next: next.filter(|_| !holds).map(seconds),
    }
}

/// How long it takes to restore the whole quota.
fn restoring(limit: &Limit, quota: u64) -> Micros {
    match limit.algorithm() {
        Algorithm::TokenBucket | Algorithm::LeakyBucket | Algorithm::LeakyQueue => units(limit, quota),
        _ => limit.window(),
    }
}

/// How long until more is left than now; for the windows that slide, at the latest.
fn next(limit: &Limit, verdict: &Verdict, quota: u64) -> Option<Micros> {
    let missing = quota.checked_sub(verdict.remaining).filter(|missing| *missing > 0)?;
    let reset = verdict.reset_after;
    Some(match limit.algorithm() {
        // The bucket leaks evenly: one unit is back when all but the other missing ones are.
        Algorithm::TokenBucket | Algorithm::LeakyBucket => {
            Micros::new(reset.get().saturating_sub(units(limit, missing - 1).get()))
        }
        Algorithm::LeakyQueue => reset.min(units(limit, 1)),
        _ => reset,
    })
}

/// How long a bucket needs for this many units.
fn units(limit: &Limit, count: u64) -> Micros {
    let product = u128::from(count) * u128::from(limit.window().get());
    Micros::new(u64::try_from(product.div_ceil(u128::from(limit.count().max(1)))).unwrap_or(u64::MAX))
}

/// Whole seconds, rounded up.
pub(super) fn seconds(span: Micros) -> u64 {
    span.get().div_ceil(1_000_000).min(MAX_INTEGER)
}
