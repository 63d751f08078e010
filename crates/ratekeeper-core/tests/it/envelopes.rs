//! No trace admits more than the envelope, in any interval.

use std::collections::HashMap;

use proptest::prelude::*;
use ratekeeper_core::model::check_envelope;
use ratekeeper_core::{Algorithm, Ask, Holder, Limit, Micros, Op, Timestamp, step};

use crate::any::{self, Action, Course};

/// What happens in these traces: takes that hit the limit often, peeks, and refunds in the same instant.
fn admissions(
    limit: &Limit,
    start: u64,
    trace: &[Action],
    clock_steps_back: bool,
) -> Result<(), TestCaseError> {
    let (mut counter, mut course) = (None, Course::from(start));
    let (mut admitted, mut latest, mut largest) = (Vec::new(), Timestamp::EPOCH, 0);
    for action in trace {
        if !clock_steps_back {
            course.monotonic();
        }
        let (now, mut ask) = course.next(limit, action);
        if course.ends() {
            break;
        }
        let undo = ask.op == Op::Refund;
        if matches!(ask.op, Op::Refund | Op::Charge | Op::Reset) {
            ask = Ask::new(Op::Take, ask.cost);
        }
        let verdict = step(&mut counter, limit, b"alice", now, &ask).unwrap();
        course.heard(&verdict);
        // Seen from the latest instant at which something was written: time does not really run back.
        if verdict.token.is_some() {
            latest = latest.max(now);
        }
        // But a log forgets what it has seen together with what it gives back.
        if undo
            && !clock_steps_back
            && let Some(token) = verdict.token
        {
            let ask = Ask::new(Op::Refund, verdict.granted).with_token(token);
            step(&mut counter, limit, b"alice", now, &ask).unwrap();
        } else if verdict.allowed && verdict.granted > 0 {
            largest = largest.max(verdict.granted);
            admitted.push((latest + verdict.delay.unwrap_or(Micros::ZERO), verdict.granted));
        }
    }
    prop_assert_eq!(check_envelope(limit, largest, admitted), Ok(()));
    Ok(())
}

fn rate() -> impl Strategy<Value = Algorithm> {
    any::algorithm().prop_filter("holders apart", |&algorithm| algorithm != Algorithm::Concurrency)
}

proptest! {
    #![proptest_config(any::cases(300))]

    #[test]
    fn of_small_limits(
        limit in rate().prop_flat_map(any::small_limit_of), start in any::instant(), trace in any::trace(60),
    ) {
        admissions(&limit, start, &trace, false)?;
    }

    #[test]
    fn of_all_limits(
        limit in rate().prop_flat_map(any::limit_of), start in any::instant(), trace in any::trace(40),
    ) {
        admissions(&limit, start, &trace, false)?;
    }

    #[test]
    fn while_the_clock_steps_back(
        // The delay of a queue is measured from a clock that steps back too.
        limit in rate()
            .prop_filter("delays", |&algorithm| algorithm != Algorithm::LeakyQueue)
            .prop_flat_map(any::small_limit_of),
        start in any::instant(),
        trace in any::trace(60),
    ) {
        admissions(&limit, start, &trace, true)?;
    }

    #[test]
    fn of_holders(
        limit in any::small_limit_of(Algorithm::Concurrency),
        start in any::instant(),
        trace in prop::collection::vec((0..20_u64, 0..6_u128, 1..4_u64, any::<bool>()), 1..60),
    ) {
        let (mut counter, mut now) = (None, start);
        let mut held: HashMap<u128, (u64, u64)> = HashMap::new();
        for (pause, id, cost, release) in trace {
            now += pause;
            let at = Timestamp::from_micros(now);
            let ask = Ask::new(Op::Take, cost).by(Holder::new(id));
            let verdict = step(&mut counter, &limit, b"", at, &ask).unwrap();
            held.retain(|_, (expiry, _)| *expiry > now);
            if let Some(token) = verdict.token {
                let expiry = now + limit.window().get();
                held.entry(id).or_insert((expiry, cost)).0 = expiry;
                if release {
                    step(&mut counter, &limit, b"", at, &Ask::new(Op::Refund, 0).with_token(token)).unwrap();
                    held.remove(&id);
                }
            }
            prop_assert!(held.values().map(|(_, cost)| cost).sum::<u64>() <= limit.count());
        }
    }
}

/// The bounds are tight: each is reached, and the next greater number would be wrong.
#[test]
fn are_reached() {
    let second = Micros::SECOND;
    let start = 1_700_000_000_000_000;
    let reached = |limit: Limit, takes: &[(u64, u64)]| {
        let mut counter = None;
        let mut sum = 0;
        for &(at, wanted) in takes {
            let now = Timestamp::from_micros(start + at);
            sum += step(&mut counter, &limit, b"", now, &Ask::new(Op::TakeUpTo, wanted)).unwrap().granted;
        }
        u128::from(sum)
    };
    let last = second.get() - 1;
    let bucket = Limit::token_bucket(10, second).unwrap().with_burst(5).unwrap();
    assert_eq!(reached(bucket, &[(0, 5), (500_000, 5), (last, 9)]), 10 + 5 - 1);
    let fixed = Limit::fixed_window(10, second).unwrap();
    assert_eq!(reached(fixed, &[(last, 10), (last + 1, 10)]), 20);
    let sliding = Limit::sliding_window(10, second).unwrap();
    assert_eq!(reached(sliding, &[(0, 10), (2 * last, 10)]), 19);
    let log = Limit::sliding_log(10, second).unwrap();
    assert_eq!(reached(log, &[(0, 4), (5, 10), (last, 10)]), 10);
}
