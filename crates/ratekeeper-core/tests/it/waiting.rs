//! What a verdict says of the future is so: retry_after, remaining, reset_after.

use proptest::prelude::*;
use ratekeeper_core::{Ask, Holder, Limit, MAX_EXACT, Micros, Op, Stored, Timestamp, Verdict, step};

use crate::any::{self, Action, Course};

/// A newcomer to every trace, so that a peek never is a renewal.
const STRANGER: Holder = Holder::new(99);

fn peek(counter: &Option<Stored>, limit: &Limit, now: u64, cost: u64) -> Verdict {
    let ask = Ask::new(Op::Peek, cost).by(STRANGER);
    step(&mut counter.clone(), limit, b"alice", Timestamp::from_micros(now), &ask).unwrap()
}

fn asks_again(counter: &Option<Stored>, limit: &Limit, now: u64, ask: &Ask) -> Verdict {
    step(&mut counter.clone(), limit, b"alice", Timestamp::from_micros(now), ask).unwrap()
}

/// Runs the trace, and gives each answer with the instant and the state after it.
fn run(
    limit: &Limit,
    start: u64,
    trace: &[Action],
    mut check: impl FnMut(&Option<Stored>, u64, &Ask, &Verdict) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let (mut counter, mut course) = (None, Course::from(start));
    for action in trace {
        let (now, ask) = course.next(limit, action);
        if let Ok(verdict) = step(&mut counter, limit, b"alice", now, &ask) {
            course.heard(&verdict);
            check(&counter, now.as_micros(), &ask, &verdict)?;
        }
    }
    Ok(())
}

fn retries(limit: &Limit, start: u64, trace: &[Action]) -> Result<(), TestCaseError> {
    run(limit, start, trace, |counter, now, ask, verdict| {
        match verdict.retry_after.map(Micros::get) {
            Some(0) => prop_assert!(verdict.allowed),
            Some(wait) if now + wait > MAX_EXACT => prop_assert!(!verdict.allowed),
            Some(wait) => {
                prop_assert!(!verdict.allowed);
                prop_assert!(asks_again(counter, limit, now + wait, ask).allowed, "waits {}", wait);
                for earlier in [wait - 1, wait / 2, wait / 3, 0] {
                    let again = asks_again(counter, limit, now + earlier, ask);
                    prop_assert!(!again.allowed, "waits {} of {}", earlier, wait);
                    prop_assert_eq!(again.retry_after, Some(Micros::new(wait - earlier)));
                }
            }
            None => {
                prop_assert!(!verdict.allowed);
                let at_rest = now + verdict.reset_after.get();
                for later in [at_rest, at_rest.max(MAX_EXACT - 1)] {
                    prop_assert!(!asks_again(counter, limit, later, ask).allowed);
                }
            }
        }
        Ok(())
    })
}

fn remains(limit: &Limit, start: u64, trace: &[Action]) -> Result<(), TestCaseError> {
    run(limit, start, trace, |counter, now, _, verdict| {
        let left = verdict.remaining;
        if left > 0 {
            prop_assert!(peek(counter, limit, now, left).allowed);
        }
        if left < u64::MAX {
            prop_assert!(!peek(counter, limit, now, left + 1).allowed);
        }
        Ok(())
    })
}

fn resets(limit: &Limit, start: u64, trace: &[Action]) -> Result<(), TestCaseError> {
    run(limit, start, trace, |counter, now, _, verdict| {
        let span = verdict.reset_after.get();
        let Some(idle) = counter.as_ref().map(|stored| stored.idle_at(limit).as_micros()) else {
            prop_assert_eq!(span, 0);
            return Ok(());
        };
        prop_assert!(idle >= (now + span).min(MAX_EXACT) || span == 0, "forgotten too early");
        if now + span < MAX_EXACT {
            let (rested, fresh) = (peek(counter, limit, now + span, 1), peek(&None, limit, now + span, 1));
            prop_assert_eq!(rested, fresh, "{:?}", counter);
        }
        if span > 0 && now + span <= MAX_EXACT {
            prop_assert_eq!(peek(counter, limit, now + span - 1, 1).reset_after.get(), 1);
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(any::cases(200))]

    #[test]
    fn exactly_retry_after_is_enough_and_less_is_not_for_small_limits(
        limit in any::algorithm().prop_flat_map(any::small_limit_of),
        start in any::instant(),
        trace in any::trace(30),
    ) {
        retries(&limit, start, &trace)?;
    }

    #[test]
    fn exactly_retry_after_is_enough_and_less_is_not(
        limit in any::limit(), start in any::instant(), trace in any::trace(15),
    ) {
        retries(&limit, start, &trace)?;
    }

    #[test]
    fn what_remains_passes_and_one_more_does_not(
        limit in any::limit(), start in any::instant(), trace in any::trace(15),
    ) {
        remains(&limit, start, &trace)?;
    }

    #[test]
    fn after_reset_after_nothing_is_left_of_the_past(
        limit in any::algorithm().prop_flat_map(any::small_limit_of),
        start in any::instant(),
        trace in any::trace(30),
    ) {
        resets(&limit, start, &trace)?;
    }

    #[test]
    fn a_store_may_forget_at_idle_at(limit in any::limit(), start in any::instant(), trace in any::trace(15)) {
        resets(&limit, start, &trace)?;
    }
}
