//! Laws that hold between answers, whatever the numbers.

use proptest::prelude::*;
use ratekeeper_core::{
    Algorithm, Ask, Calendar, Holder, Limit, MAX_COUNT, MAX_SPAN, Micros, Op, Period, Stored, Timestamp,
    Verdict, step,
};

use crate::any::{self, Action, Cost, Course};

fn ask_of(counter: &mut Option<Stored>, limit: &Limit, now: u64, ask: &Ask) -> Verdict {
    step(counter, limit, b"alice", Timestamp::from_micros(now), ask).unwrap()
}

/// Runs the trace to its end and gives all answers.
fn run(limit: &Limit, counter: &mut Option<Stored>, course: &mut Course, trace: &[Action]) -> Vec<Verdict> {
    let mut answers = Vec::new();
    for action in trace {
        let (now, ask) = course.next(limit, action);
        if let Ok(verdict) = step(counter, limit, b"alice", now, &ask) {
            course.heard(&verdict);
            answers.push(verdict);
        }
    }
    answers
}

/// A state in the middle of a trace.
fn midway(limit: &Limit, start: u64, trace: &[Action]) -> (Option<Stored>, Course) {
    let (mut counter, mut course) = (None, Course::from(start));
    run(limit, &mut counter, &mut course, trace);
    (counter, course)
}

fn without_tokens(verdicts: Vec<Verdict>) -> Vec<Verdict> {
    verdicts.into_iter().map(|verdict| Verdict { token: None, ..verdict }).collect()
}

/// The trace gives the same answers when it happens `by` microseconds later; the end of time does not move, so
/// there are no endless debts.
fn shifted(limit: &Limit, start: u64, trace: &[Action], by: u64) -> Result<(), TestCaseError> {
    let mut trace = trace.to_vec();
    for action in &mut trace {
        if let Cost::Exactly(cost) = &mut action.cost {
            *cost %= 1000;
        }
    }
    let answers = |start: u64| {
        let (mut counter, mut course) = (None, Course::from(start));
        course.earliest = start - 2 * MAX_SPAN.get();
        without_tokens(run(limit, &mut counter, &mut course, &trace))
    };
    prop_assert_eq!(answers(start), answers(start + by));
    Ok(())
}

proptest! {
    #![proptest_config(any::cases(100))]

    #[test]
    fn a_refusal_and_a_peek_write_nothing(
        limit in any::limit(), start in any::instant(), trace in any::trace(20),
    ) {
        let (mut counter, mut course) = (None, Course::from(start));
        for action in &trace {
            let (now, ask) = course.next(&limit, action);
            let before = counter.clone();
            let answer = step(&mut counter, &limit, b"alice", now, &ask);
            if !answer.is_ok_and(|verdict| verdict.allowed) || ask.op == Op::Peek {
                prop_assert_eq!(&counter, &before);
            }
            if let Ok(verdict) = answer {
                course.heard(&verdict);
                prop_assert!(verdict.allowed || (verdict.granted == 0 && verdict.token.is_none()));
            }
        }
    }

    #[test]
    fn a_peek_answers_what_a_take_would(
        limit in any::limit(), start in any::instant(), trace in any::trace(15), cost in 0..12_u64,
    ) {
        let (counter, course) = midway(&limit, start, &trace);
        let peek = ask_of(&mut counter.clone(), &limit, course.now, &Ask::new(Op::Peek, cost));
        let take = ask_of(&mut counter.clone(), &limit, course.now, &Ask::new(Op::Take, cost));
        let same = |verdict: Verdict| (verdict.allowed, verdict.retry_after, verdict.delay);
        prop_assert_eq!(same(peek), same(take));
        prop_assert_eq!((peek.granted, peek.token), (0, None));
    }

    #[test]
    fn a_cost_passes_where_as_many_units_would(
        limit in any::algorithm().prop_flat_map(any::small_limit_of),
        start in any::instant(),
        trace in any::trace(20),
        cost in 1..7_u64,
    ) {
        let (counter, course) = midway(&limit, start, &trace);
        if course.ends() {
            return Ok(());
        }
        let whole = ask_of(&mut counter.clone(), &limit, course.now, &Ask::new(Op::Peek, cost).by(Holder::new(50)));
        let mut units = counter;
        let all = (0..cost).all(|unit| {
            let ask = Ask::new(Op::Take, 1).by(Holder::new(50 + u128::from(unit)));
            ask_of(&mut units, &limit, course.now, &ask).allowed
        });
        prop_assert_eq!(whole.allowed, all);
    }

    #[test]
    fn two_takes_in_an_instant_are_one(
        limit in any::limit().prop_filter("holders are two", |limit| limit.algorithm() != Algorithm::Concurrency),
        start in any::instant(),
        trace in any::trace(15),
        costs in (0..5_u64, 0..5_u64),
        after in any::trace(10),
    ) {
        let (counter, course) = midway(&limit, start, &trace);
        if course.ends() {
            return Ok(());
        }
        let (mut once, mut twice) = (counter.clone(), counter);
        let sum = ask_of(&mut once, &limit, course.now, &Ask::new(Op::Take, costs.0 + costs.1));
        if !sum.allowed {
            return Ok(());
        }
        ask_of(&mut twice, &limit, course.now, &Ask::new(Op::Take, costs.0));
        ask_of(&mut twice, &limit, course.now, &Ask::new(Op::Take, costs.1));
        let answers = |mut counter| run(&limit, &mut counter, &mut course.clone(), &after);
        prop_assert_eq!(answers(once), answers(twice));
    }

    #[test]
    fn a_shift_in_time_changes_nothing(
        limit in any::algorithm()
            .prop_filter("calendars apart", |&algorithm| algorithm != Algorithm::CalendarWindow)
            .prop_flat_map(any::small_limit_of),
        trace in any::trace(25),
        start in any::instant(),
        windows in 0..1_000_000_u64,
        rest in 0..100_u64,
    ) {
        let window = limit.window().get();
        let aligned = matches!(limit.algorithm(), Algorithm::FixedWindow | Algorithm::SlidingWindow);
        shifted(&limit, start, &trace, windows * window + if aligned { 0 } else { rest })?;
    }

    #[test]
    fn a_shift_by_weeks_changes_no_calendar_of_days_or_weeks(
        count in 1..9_u64,
        weekly in any::<bool>(),
        trace in any::trace(25),
        start in any::instant(),
        weeks in 0..1000_u64,
    ) {
        let period = if weekly { Period::Week } else { Period::Day };
        let limit = Limit::calendar_window(count, Calendar::new(period, "UTC").unwrap()).unwrap();
        shifted(&limit, start, &trace, weeks * 7 * Micros::DAY.get())?;
    }

    #[test]
    fn a_rate_is_the_same_in_any_terms(
        (count, window, burst, factor) in (1..1000_u64, 1..1000_u64, 1..100_u64, 1..=MAX_COUNT / 1000),
        delay in 1..1000_u64,
        start in any::instant(),
        trace in any::trace(25),
    ) {
        let pairs = |count: u64, window: u64| {
            let window = Micros::new(window);
            [
                Limit::token_bucket(count, window).unwrap().with_burst(burst).unwrap(),
                Limit::leaky_bucket(count, window).unwrap().with_burst(burst).unwrap(),
                Limit::leaky_queue(count, window, Micros::new(delay)).unwrap(),
            ]
        };
        let (lowest, higher) = (pairs(count, window), pairs(count * factor, window * factor));
        for (low, high) in lowest.iter().zip(&higher) {
            // Pauses and costs that are told in terms of the limit must be those of one of both.
            let (mut course, mut both) = (Course::from(start), [None, None]);
            for action in &trace {
                let (now, ask) = course.next(low, action);
                let [one, other] = &mut both;
                let answer = step(one, low, b"", now, &ask);
                prop_assert_eq!(answer, step(other, high, b"", now, &ask));
                if let Ok(verdict) = answer {
                    course.heard(&verdict);
                }
            }
        }
    }

    #[test]
    fn a_leaky_bucket_mirrors_a_token_bucket(
        tokens in any::limit_of(Algorithm::TokenBucket), start in any::instant(), trace in any::trace(25),
    ) {
        let leaky = Limit::leaky_bucket(tokens.count(), tokens.window()).unwrap();
        let leaky = leaky.with_burst(tokens.burst()).unwrap();
        let answers = |limit| run(limit, &mut None, &mut Course::from(start), &trace);
        prop_assert_eq!(answers(&tokens), answers(&leaky));
    }

    #[test]
    fn after_a_reset_all_is_as_at_first(
        limit in any::limit(), start in any::instant(), trace in any::trace(15), after in any::trace(15),
    ) {
        let (mut counter, mut course) = midway(&limit, start, &trace);
        ask_of(&mut counter, &limit, course.now, &Ask::new(Op::Reset, 0));
        prop_assert_eq!(&counter, &None);
        // Tokens of before are of no use, but for their start: a new bucket ignores what lies behind.
        course.tokens.clear();
        let answers = |mut counter| run(&limit, &mut counter, &mut course.clone(), &after);
        prop_assert_eq!(answers(counter), answers(None));
    }

    #[test]
    fn a_charge_takes_what_a_take_would_and_goes_into_debt(
        limit in any::limit().prop_filter("has no charge", |limit| limit.algorithm() != Algorithm::Concurrency),
        start in any::instant(),
        trace in any::trace(15),
        cost in 0..12_u64,
    ) {
        let (counter, course) = midway(&limit, start, &trace);
        if course.ends() || limit.largest_cost() == u64::MAX {
            return Ok(());
        }
        let (mut taken, mut charged) = (counter.clone(), counter);
        let take = ask_of(&mut taken, &limit, course.now, &Ask::new(Op::Take, cost));
        let charge = ask_of(&mut charged, &limit, course.now, &Ask::new(Op::Charge, cost));
        prop_assert!(charge.allowed);
        if take.allowed {
            prop_assert_eq!(&taken, &charged);
            prop_assert_eq!(take.remaining, charge.remaining);
        } else {
            prop_assert_eq!(charge.remaining, 0);
        }
        ask_of(&mut charged, &limit, course.now, &Ask::new(Op::Charge, limit.largest_cost()));
        if cost > 0 {
            let broke = ask_of(&mut charged, &limit, course.now, &Ask::new(Op::Take, 0));
            prop_assert!(!broke.allowed && broke.retry_after > Some(Micros::ZERO), "{:?}", broke);
        }
    }

    #[test]
    fn a_partial_take_takes_the_least_of_wanted_and_left(
        limit in any::limit(), start in any::instant(), trace in any::trace(15), wanted in any::<u64>(),
    ) {
        let (mut counter, course) = midway(&limit, start, &trace);
        if course.ends() {
            return Ok(());
        }
        let ask = Ask::new(Op::TakeUpTo, wanted).by(Holder::new(50));
        let left = ask_of(&mut counter.clone(), &limit, course.now, &Ask::new(Op::Peek, 1)).remaining;
        let verdict = ask_of(&mut counter, &limit, course.now, &ask);
        prop_assert_eq!(verdict.granted, left.min(wanted));
        prop_assert_eq!(verdict.allowed, verdict.granted > 0);
        prop_assert!(!verdict.allowed || verdict.remaining == left - verdict.granted || left == u64::MAX);
    }
}
