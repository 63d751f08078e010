//! What a refund gives back: all that was taken, nothing more, and nothing that time gave back already.

use proptest::prelude::*;
use ratekeeper_core::{
    Algorithm, Ask, Holder, Limit, Micros, Op, StepError, Stored, Timestamp, Token, Verdict, step,
};

use crate::any::{self, Action, Course};

const NOW: u64 = 1_700_000_000_000_000;

fn ask_at(counter: &mut Option<Stored>, limit: &Limit, now: u64, ask: &Ask) -> Verdict {
    step(counter, limit, b"alice", Timestamp::from_micros(now), ask).unwrap()
}

fn take(counter: &mut Option<Stored>, limit: &Limit, now: u64, cost: u64) -> Verdict {
    ask_at(counter, limit, now, &Ask::new(Op::Take, cost))
}

fn refund(counter: &mut Option<Stored>, limit: &Limit, now: u64, cost: u64, token: Option<Token>) -> Verdict {
    let ask = Ask::new(Op::Refund, cost);
    ask_at(counter, limit, now, &token.map_or(ask, |token| ask.with_token(token)))
}

/// Runs a trace on a clock that does not step back.
fn run(limit: &Limit, counter: &mut Option<Stored>, course: &mut Course, trace: &[Action]) -> Vec<Verdict> {
    let mut answers = Vec::new();
    for action in trace {
        course.monotonic();
        let (now, mut ask) = course.next(limit, action);
        // Free entries only mark the time, and do not come back.
        ask.cost = ask.cost.max(1);
        if let Ok(verdict) = step(counter, limit, b"alice", now, &ask) {
            course.heard(&verdict);
            answers.push(verdict);
        }
    }
    answers
}

proptest! {
    #![proptest_config(any::cases(200))]

    #[test]
    fn a_refund_in_the_same_instant_undoes_the_take(
        limit in prop_oneof![any::limit(), any::algorithm().prop_flat_map(any::small_limit_of)],
        start in any::instant(),
        trace in any::trace(15),
        cost in 1..9_u64,
        after in any::trace(15),
    ) {
        let (mut before, mut course) = (None, Course::from(start));
        run(&limit, &mut before, &mut course, &trace);
        let mut undone = before.clone();
        let taken = ask_at(&mut undone, &limit, course.now, &Ask::new(Op::Take, cost).by(Holder::new(50)));
        if course.ends() || !taken.allowed {
            return Ok(());
        }
        refund(&mut undone, &limit, course.now, cost, taken.token);
        let answers = |mut counter| run(&limit, &mut counter, &mut course.clone(), &after);
        prop_assert_eq!(answers(undone), answers(before));
    }

    #[test]
    fn a_late_refund_leaves_no_more_than_if_nothing_had_been_taken(
        limit in any::algorithm()
            .prop_filter("holders cannot be charged", |&algorithm| algorithm != Algorithm::Concurrency)
            .prop_flat_map(any::small_limit_of),
        start in any::instant(),
        cost in 1..9_u64,
        charges in prop::collection::vec((0..20_u64, 0..4_u64), 0..8),
        wait in 0..20_u64,
        later in prop::collection::vec(0..30_u64, 1..5),
    ) {
        let (mut taken, mut never, mut now) = (None, None, start);
        for &(pause, cost) in &charges[..charges.len() / 2] {
            now += pause;
            ask_at(&mut taken, &limit, now, &Ask::new(Op::Charge, cost));
            ask_at(&mut never, &limit, now, &Ask::new(Op::Charge, cost));
        }
        let receipt = ask_at(&mut taken, &limit, now, &Ask::new(Op::Charge, cost)).token;
        for &(pause, cost) in &charges[charges.len() / 2..] {
            now += pause;
            ask_at(&mut taken, &limit, now, &Ask::new(Op::Charge, cost));
            ask_at(&mut never, &limit, now, &Ask::new(Op::Charge, cost));
        }
        now += wait;
        let before = ask_at(&mut taken, &limit, now, &Ask::new(Op::Peek, 1));
        let after = refund(&mut taken, &limit, now, cost, receipt);
        prop_assert!(after.remaining <= before.remaining + cost);
        prop_assert!(after.remaining >= before.remaining);
        for pause in later {
            now += pause;
            let (with, without) = (
                ask_at(&mut taken, &limit, now, &Ask::new(Op::Peek, 1)),
                ask_at(&mut never, &limit, now, &Ask::new(Op::Peek, 1)),
            );
            prop_assert!(with.remaining <= without.remaining, "{:?} {:?}", with, without);
        }
    }

    #[test]
    fn a_credit_gives_no_more_than_its_cost(
        limit in any::limit().prop_filter("needs a token", |limit| {
            !matches!(limit.algorithm(), Algorithm::Concurrency | Algorithm::LeakyQueue)
        }),
        start in any::instant(),
        trace in any::trace(15),
        cost in any::<u64>(),
    ) {
        let (mut counter, mut course) = (None, Course::from(start));
        run(&limit, &mut counter, &mut course, &trace);
        let before = ask_at(&mut counter, &limit, course.now, &Ask::new(Op::Peek, 1));
        let after = refund(&mut counter, &limit, course.now, cost, None);
        prop_assert!(after.remaining <= before.remaining.saturating_add(cost));
        prop_assert!(after.remaining <= limit.largest_cost());
    }
}

#[test]
fn a_window_that_has_ended_takes_nothing_back() {
    for limit in [
        Limit::fixed_window(5, Micros::SECOND),
        Limit::sliding_window(5, Micros::SECOND),
    ] {
        let (limit, mut counter) = (limit.unwrap(), None);
        let token = take(&mut counter, &limit, NOW, 5).token;
        let left = take(&mut counter, &limit, NOW + 1_999_999, 2).remaining;
        assert_eq!(refund(&mut counter, &limit, NOW + 1_999_999, 5, token).remaining, left, "{limit}");
    }
}

#[test]
fn an_entry_of_a_log_is_given_back_where_it_stands() {
    let (limit, mut counter) = (Limit::sliding_log(5, Micros::new(10)).unwrap(), None);
    let first = take(&mut counter, &limit, NOW, 2).token;
    take(&mut counter, &limit, NOW + 5, 3);
    assert_eq!(refund(&mut counter, &limit, NOW + 5, 2, first).remaining, 2);
    assert_eq!(refund(&mut counter, &limit, NOW + 5, 2, first).remaining, 2, "and only once");
    assert_eq!(take(&mut counter, &limit, NOW + 6, 3).retry_after, Some(Micros::new(9)));
}

#[test]
fn a_credit_to_a_log_takes_the_newest_first() {
    let (limit, mut counter) = (Limit::sliding_log(5, Micros::new(10)).unwrap(), None);
    take(&mut counter, &limit, NOW, 2);
    take(&mut counter, &limit, NOW + 5, 3);
    let after = refund(&mut counter, &limit, NOW + 6, 4, None);
    assert_eq!((after.remaining, after.reset_after), (4, Micros::new(4)));
}

#[test]
fn only_the_last_in_a_queue_can_leave_it() {
    let limit = Limit::leaky_queue(1, Micros::SECOND, Micros::MINUTE).unwrap();
    let mut counter = None;
    let first = take(&mut counter, &limit, NOW, 1).token;
    let second = take(&mut counter, &limit, NOW, 1);
    assert_eq!(second.delay, Some(Micros::SECOND));
    assert_eq!(refund(&mut counter, &limit, NOW, 1, first).reset_after, Micros::new(2_000_000));
    assert_eq!(refund(&mut counter, &limit, NOW, 1, second.token).reset_after, Micros::SECOND);
}

#[test]
fn a_release_is_idempotent_and_does_not_outlive_a_reset() {
    let (limit, mut counter) = (Limit::concurrency(2, Micros::MINUTE).unwrap(), None);
    let mut hold = |id| {
        let ask = Ask::new(Op::Take, 1).by(Holder::new(id));
        ask_at(&mut counter, &limit, NOW, &ask).token
    };
    let (first, _) = (hold(1), hold(2));
    assert_eq!(refund(&mut counter, &limit, NOW, 1, first).remaining, 1);
    assert_eq!(refund(&mut counter, &limit, NOW, 1, first).remaining, 1);
    ask_at(&mut counter, &limit, NOW, &Ask::new(Op::Reset, 0));
    assert_eq!(refund(&mut counter, &limit, NOW, 1, first).remaining, 2);
}

#[test]
fn operations_that_a_limit_does_not_have_are_errors_and_write_nothing() {
    let holders = Limit::concurrency(2, Micros::MINUTE).unwrap();
    let queue = Limit::leaky_queue(1, Micros::SECOND, Micros::MINUTE).unwrap();
    let log = Limit::sliding_log(1, Micros::SECOND).unwrap();
    let credit = Ask::new(Op::Refund, 1);
    let (algorithm, now) = (Algorithm::Concurrency, Timestamp::from_micros(NOW));
    let mut counter = None;
    let mut error = |limit: &Limit, ask: &Ask| step(&mut counter, limit, b"", now, ask).unwrap_err();
    assert_eq!(error(&holders, &Ask::new(Op::Charge, 1)), StepError::Charge { algorithm });
    assert_eq!(error(&holders, &credit), StepError::RefundNeedsToken { algorithm });
    let algorithm = Algorithm::LeakyQueue;
    assert_eq!(error(&queue, &credit), StepError::RefundNeedsToken { algorithm });
    let tokens = [
        (&holders, Token::Entry(1)),
        (&queue, Token::Window(1)),
        (&log, Token::Gcra { at: 1, rest: 0 }),
        (&log, Token::Holder(Holder::new(0))),
    ];
    for (limit, token) in tokens {
        let algorithm = limit.algorithm();
        assert_eq!(error(limit, &credit.with_token(token)), StepError::ForeignToken { algorithm });
    }
    assert_eq!(counter, None);
}
