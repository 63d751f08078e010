//! An outcome as the rate limit service tells it.

use std::cmp::Reverse;

use ratekeeper_core::{Limit, Period};
use ratekeeper_engine::{LimitOutcome, Outcome};
use ratekeeper_envoy::{Code, DescriptorStatus, Duration, HeaderValue, RateLimit, RateLimitResponse, Unit};
use ratekeeper_policy::Mode;

use super::HeaderNames;

/// The response for as many descriptors, without what settings add to it.
pub(super) fn response(outcome: &Outcome, descriptors: usize) -> RateLimitResponse {
    let mut statuses = vec![DescriptorStatus { code: Code::Ok.into(), ..Default::default() }; descriptors];
    for (part, _) in &outcome.unlimited {
        statuses[*part].limit_remaining = u32::MAX;
    }
    for (part, limit) in tightest(outcome, descriptors).into_iter().enumerate() {
        if let Some(limit) = limit {
            statuses[part] = status(outcome, limit);
        }
    }
    let overall = if outcome.allowed() {
        Code::Ok
    } else {
        Code::OverLimit
    };
    RateLimitResponse { overall_code: overall.into(), statuses, ..Default::default() }
}

/// Of the limits of each descriptor the one that says most: one that refuses, else the one with the least left.
fn tightest(outcome: &Outcome, descriptors: usize) -> Vec<Option<&LimitOutcome>> {
    let mut tightest: Vec<Option<&LimitOutcome>> = vec![None; descriptors];
    // Without a verdict there is nothing to tell of those that let pass.
    let told = outcome.limits.iter().filter(|limit| !limit.allowed || limit.verdict.is_some());
    for limit in told {
        let of_part = &mut tightest[limit.part];
        if of_part.is_none_or(|known| order(limit) < order(known)) {
            *of_part = Some(limit);
        }
    }
    tightest
}

fn order(limit: &LimitOutcome) -> impl Ord {
    (!is_over(limit), remaining(limit), Reverse(reset(limit)))
}

fn is_over(limit: &LimitOutcome) -> bool {
    !limit.allowed && limit.mode != Mode::Shadow
}

fn remaining(limit: &LimitOutcome) -> u32 {
    match &limit.verdict {
        Some(verdict) if limit.allowed => u32::try_from(verdict.remaining).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// Whole seconds, rounded up: who comes back then is not too early.
fn reset(limit: &LimitOutcome) -> u64 {
    let verdict = limit.verdict.as_ref();
    let waits = verdict.map(|verdict| match verdict.retry_after {
        Some(wait) if !limit.allowed => wait,
        _ => verdict.reset_after,
    });
    waits.map_or(0, |wait| wait.get().div_ceil(1_000_000))
}

fn status(outcome: &Outcome, limit: &LimitOutcome) -> DescriptorStatus {
    let code = if is_over(limit) { Code::OverLimit } else { Code::Ok };
    let (requests, unit) = per_unit(&limit.limit);
    let name = outcome.rule(limit).envoy_name().unwrap_or_default().to_owned();
    let seconds = i64::try_from(reset(limit)).unwrap_or(i64::MAX);
    DescriptorStatus {
        code: code.into(),
        current_limit: Some(RateLimit {
            name,
            requests_per_unit: u32::try_from(requests).unwrap_or(u32::MAX),
            unit: unit.into(),
        }),
        limit_remaining: remaining(limit),
        duration_until_reset: Some(Duration { seconds, nanos: 0 }),
        quota: None,
    }
}

/// A limit in the words of the service. Where it has no word for the window, the unit is unknown, and the number is the
/// most that passes at once.
fn per_unit(limit: &Limit) -> (u64, Unit) {
    const DAY: u64 = 86_400_000_000;
    let unit = match limit.calendar() {
        Some(calendar) => match calendar.period() {
            Period::Day => Unit::Day,
            Period::Week => Unit::Week,
            Period::Month => Unit::Month,
            Period::Year => Unit::Year,
        },
        None => match limit.window().get() {
            1_000_000 => Unit::Second,
            60_000_000 => Unit::Minute,
            3_600_000_000 => Unit::Hour,
            DAY => Unit::Day,
            604_800_000_000 => Unit::Week,
            2_592_000_000_000 => Unit::Month,
            31_536_000_000_000 => Unit::Year,
            _ => Unit::Unknown,
        },
    };
    match unit {
        Unit::Unknown => (limit.largest_cost(), unit),
        unit => (limit.count(), unit),
    }
}

/// The headers that tell of the limit which is nearest to its end; none where no descriptor has one.
pub(super) fn headers(statuses: &[DescriptorStatus], names: &HeaderNames) -> Vec<HeaderValue> {
    let nearest = statuses.iter().filter_map(|status| Some((status, status.current_limit.as_ref()?)));
    let nearest = nearest.min_by_key(|(status, _)| {
        let seconds = status.duration_until_reset.as_ref().map_or(0, |reset| reset.seconds);
        (status.code() != Code::OverLimit, status.limit_remaining, Reverse(seconds))
    });
    let Some((status, limit)) = nearest else {
        return Vec::new();
    };
    let seconds = status.duration_until_reset.as_ref().map_or(0, |reset| reset.seconds);
    let header = |name: &str, value: String| HeaderValue {
        key: name.to_owned(),
        value,
        raw_value: Default::default(),
    };
    vec![
        header(&names.limit, limit.requests_per_unit.to_string()),
        header(&names.remaining, status.limit_remaining.to_string()),
        header(&names.reset, seconds.to_string()),
    ]
}
