//! What each operation does, by its definition.

use ratekeeper_core::{Algorithm, Ask, Holder, Limit, Micros, Op, StepError, Timestamp, Verdict};

use crate::StoreError;
use crate::testkit::Subject;
use crate::testkit::random::{START, limit_of, one_of_each};

const NOW: Timestamp = Timestamp::from_micros(START + 1_234_567);

/// One counter that is asked at one instant.
struct Counter<'s> {
    subject: &'s Subject,
    key: Vec<u8>,
    limit: Limit,
}

impl<'s> Counter<'s> {
    fn of(subject: &'s Subject, case: &str, limit: &Limit) -> Self {
        let key = subject.key(&format!("{case}/{}", limit.algorithm()));
        Self { subject, key, limit: limit.clone() }
    }

    fn ask_at(&self, now: Timestamp, ask: &Ask) -> Verdict {
        self.subject.ask(now, &self.key, &self.limit, ask).unwrap()
    }

    /// Each request is of another holder.
    fn take(&self, cost: u64, holder: u128) -> Verdict {
        self.ask_at(NOW, &Ask::new(Op::Take, cost).by(Holder::new(holder)))
    }

    fn peek(&self, cost: u64) -> Verdict {
        self.ask_at(NOW, &Ask::new(Op::Peek, cost).by(Holder::new(u128::MAX)))
    }

    fn remaining(&self) -> u64 {
        self.peek(0).remaining
    }
}

/// The greatest cost that a fresh counter lets pass.
fn most(limit: &Limit) -> u64 {
    limit.largest_cost()
}

pub(crate) fn a_take_takes_its_whole_cost_or_nothing(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let (counter, most) = (Counter::of(subject, "take", &limit), most(&limit));
        assert_eq!(counter.remaining(), most, "{limit}");
        let taken = counter.take(7, 1);
        assert_eq!((taken.allowed, taken.granted, taken.remaining), (true, 7, most - 7), "{limit}");
        let refused = counter.take(most - 6, 2);
        assert_eq!((refused.allowed, refused.granted, refused.remaining), (false, 0, most - 7), "{limit}");
        assert_eq!(refused.token, None, "{limit}");
        assert_eq!(counter.take(most - 7, 3).remaining, 0, "{limit}");
        assert!(!counter.take(1, 4).allowed, "{limit}");
        assert!(counter.take(0, 5).allowed, "nothing is left, and nothing is asked of {limit}");
    }
}

pub(crate) fn what_can_never_pass_is_told_so(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let counter = Counter::of(subject, "never", &limit);
        for cost in [most(&limit) + 1, u64::MAX] {
            let refused = counter.take(cost, 1);
            assert_eq!((refused.allowed, refused.retry_after), (false, None), "{cost} of {limit}");
        }
        assert_eq!(counter.remaining(), most(&limit), "{limit}");
    }
}

pub(crate) fn a_window_of_zero_refuses_everything(subject: &Subject) {
    let zero = Limit::fixed_window(0, Micros::HOUR).expect("a window may be zero");
    let counter = Counter::of(subject, "zero", &zero);
    for cost in [1, u64::MAX] {
        let refused = counter.take(cost, 1);
        assert_eq!((refused.allowed, refused.retry_after, refused.remaining), (false, None, 0));
    }
    assert!(counter.take(0, 1).allowed && !counter.peek(1).allowed);
    let partial = counter.ask_at(NOW, &Ask::new(Op::TakeUpTo, 5));
    assert_eq!((partial.allowed, partial.retry_after, partial.granted), (false, None, 0));
}

pub(crate) fn a_partial_take_gets_what_is_left(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let (counter, most) = (Counter::of(subject, "partial", &limit), most(&limit));
        let up_to = |cost, holder| counter.ask_at(NOW, &Ask::new(Op::TakeUpTo, cost).by(Holder::new(holder)));
        assert_eq!(up_to(4, 1).granted, 4, "{limit}");
        let rest = up_to(100, 2);
        assert_eq!((rest.allowed, rest.granted, rest.remaining), (true, most - 4, 0), "{limit}");
        let none = up_to(100, 3);
        assert_eq!((none.allowed, none.granted, none.token), (false, 0, None), "{limit}");
        assert!(none.retry_after.is_some_and(|wait| wait > Micros::ZERO), "{limit}");
        assert!(!up_to(0, 4).allowed, "a grant of nothing is a refusal, also of {limit}");
    }
}

pub(crate) fn a_peek_writes_nothing(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let counter = Counter::of(subject, "peek", &limit);
        counter.take(3, 1);
        let before = counter.peek(4);
        for cost in [0, 1, 7, 8, 1000] {
            counter.peek(cost);
        }
        assert_eq!(counter.peek(4), before, "{limit}");
        let taken = counter.take(4, 2);
        assert_eq!((taken.allowed, taken.delay), (before.allowed, before.delay), "{limit}");
        assert_eq!((before.granted, before.token), (0, None), "{limit}");
    }
}

pub(crate) fn a_charge_goes_into_debt(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let counter = Counter::of(subject, "charge", &limit);
        let charge = Ask::new(Op::Charge, 25);
        if limit.algorithm() == Algorithm::Concurrency {
            let answer = subject.ask(NOW, &counter.key, &limit, &charge);
            assert!(matches!(answer, Err(StoreError::Step(StepError::Charge { .. }))), "{answer:?}");
            continue;
        }
        let charged = counter.ask_at(NOW, &charge);
        assert_eq!((charged.allowed, charged.granted, charged.remaining), (true, 25, 0), "{limit}");
        assert!(!counter.take(1, 1).allowed, "{limit}");
        // Who owes 15 waits longer than who has just taken all.
        let wait = counter.take(1, 2).retry_after.unwrap();
        let other = Counter { key: subject.key("charge/other"), ..Counter::of(subject, "", &limit) };
        other.ask_at(NOW, &Ask::new(Op::Reset, 0));
        other.take(most(&limit), 1);
        assert!(wait >= other.take(1, 2).retry_after.unwrap(), "{limit}");
    }
}

pub(crate) fn a_refund_with_its_token_undoes_a_take(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let counter = Counter::of(subject, "refund", &limit);
        counter.take(3, 1);
        let before = (counter.peek(1), counter.peek(8));
        let taken = counter.take(5, 2);
        let token = taken.token.expect("a take gives a token");
        let refund = Ask::new(Op::Refund, taken.granted).by(Holder::new(2)).with_token(token);
        assert!(counter.ask_at(NOW, &refund).allowed, "{limit}");
        assert_eq!((counter.peek(1), counter.peek(8)), before, "{limit}");
    }
}

pub(crate) fn a_refund_gives_back_no_more_than_time_has_left(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let (counter, most) = (Counter::of(subject, "late refund", &limit), most(&limit));
        let token = counter.take(6, 1).token.unwrap();
        // Two days later time has given everything back, and somebody else takes.
        let later = NOW + Micros::from_secs(2 * 86_400);
        counter.ask_at(later, &Ask::new(Op::Take, 6).by(Holder::new(2)));
        let before = counter.ask_at(later, &Ask::new(Op::Peek, 0)).remaining;
        assert_eq!(before, most - 6, "{limit}");
        counter.ask_at(later, &Ask::new(Op::Refund, 6).by(Holder::new(1)).with_token(token));
        assert_eq!(counter.ask_at(later, &Ask::new(Op::Peek, 0)).remaining, before, "{limit}");
    }
}

pub(crate) fn a_refund_without_token_credits(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let (counter, most) = (Counter::of(subject, "credit", &limit), most(&limit));
        counter.take(8, 1);
        let credit = Ask::new(Op::Refund, 5);
        if matches!(limit.algorithm(), Algorithm::Concurrency | Algorithm::LeakyQueue) {
            let answer = subject.ask(NOW, &counter.key, &limit, &credit);
            assert!(
                matches!(answer, Err(StoreError::Step(StepError::RefundNeedsToken { .. }))),
                "{answer:?}"
            );
            assert_eq!(counter.remaining(), most - 8, "{limit}");
            continue;
        }
        counter.ask_at(NOW, &credit);
        assert_eq!(counter.remaining(), most - 3, "{limit}");
        counter.ask_at(NOW, &credit);
        assert_eq!(counter.remaining(), most, "no credit goes beyond the limit: {limit}");
    }
}

pub(crate) fn a_foreign_token_is_an_error(subject: &Subject) {
    let limits = one_of_each(10, Micros::HOUR);
    let bucket = Counter::of(subject, "foreign token", &limits[0]);
    let token = bucket.take(1, 1).token.unwrap();
    for limit in limits.iter().filter(|limit| limit.algorithm() != Algorithm::TokenBucket) {
        if matches!(limit.algorithm(), Algorithm::LeakyBucket | Algorithm::LeakyQueue) {
            continue;
        }
        let answer = subject.ask(NOW, &bucket.key, limit, &Ask::new(Op::Refund, 1).with_token(token));
        assert!(matches!(answer, Err(StoreError::Step(StepError::ForeignToken { .. }))), "{answer:?}");
    }
    assert_eq!(bucket.remaining(), most(&bucket.limit) - 1);
}

pub(crate) fn a_reset_forgets(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let counter = Counter::of(subject, "reset", &limit);
        let fresh = counter.peek(3);
        counter.take(9, 1);
        let reset = counter.ask_at(NOW, &Ask::new(Op::Reset, 0));
        assert_eq!((reset.allowed, reset.remaining), (true, most(&limit)), "{limit}");
        assert_eq!(counter.peek(3), fresh, "{limit}");
        // And of what is not there, too.
        assert!(counter.ask_at(NOW, &Ask::new(Op::Reset, 0)).allowed, "{limit}");
    }
}

pub(crate) fn holders_renew_and_release(subject: &Subject) {
    let limit = limit_of(Algorithm::Concurrency, 2, Micros::MINUTE);
    let counter = Counter::of(subject, "holders", &limit);
    let (first, second) = (counter.take(1, 1), counter.take(1, 2));
    assert!(first.allowed && second.allowed && !counter.take(1, 3).allowed);
    let later = NOW + Micros::from_secs(50);
    let ask = |op, holder| Ask::new(op, 1).by(Holder::new(holder));
    assert!(counter.ask_at(later, &ask(Op::Take, 1)).allowed, "who holds lives on");
    let much_later = NOW + Micros::from_secs(70);
    assert_eq!(counter.ask_at(much_later, &ask(Op::Peek, 9)).remaining, 1, "who was not renewed is gone");
    let release = ask(Op::Refund, 1).with_token(first.token.unwrap());
    for _ in 0..2 {
        counter.ask_at(much_later, &release);
        assert_eq!(counter.ask_at(much_later, &ask(Op::Peek, 9)).remaining, 2, "releases count once");
    }
}
