//! What a verdict claims, checked by asking the counter again at other instants.

use ratekeeper_core::{Algorithm, Ask, MAX_EXACT, Micros, Op, Timestamp, Verdict};

use super::Game;

/// Checks every claim of `verdict`, the answer to `ask` that led from one game to the other.
pub(super) fn check(before: &Game, after: &Game, ask: &Ask, verdict: &Verdict) {
    refused_is_untouched(before, after, ask, verdict);
    remaining_is_exact(after, verdict);
    // A question writes nothing, so it leaves a state of before a reload to be carried over later, as of then.
    let carried = after.counter.as_ref().is_none_or(|stored| stored.tag == after.limit.tag());
    if after.now < LAST && carried {
        retry_after_is_exact(after, ask, verdict);
        reset_after_is_enough(after, verdict);
    }
    a_queue_alone_delays(after, ask, verdict);
    if ask.op == Op::Take && verdict.allowed {
        refund_undoes(before, after, ask, verdict);
    }
}

/// A refused request consumes nothing, though it may be the first to see a changed limit; a question never does.
fn refused_is_untouched(before: &Game, after: &Game, ask: &Ask, verdict: &Verdict) {
    let changed = before.counter.as_ref().is_some_and(|stored| stored.tag != before.limit.tag());
    if !verdict.allowed && !changed || ask.op == Op::Peek {
        assert_eq!(before.counter, after.counter, "{ask:?} wrote, {verdict:?}");
        assert_eq!((verdict.granted, verdict.token), (0, None), "{verdict:?}");
    }
    assert!(verdict.granted <= ask.cost, "{verdict:?} to {ask:?}");
}

/// Waiting exactly so long, alone, passes, and a microsecond less does not.
fn retry_after_is_exact(after: &Game, ask: &Ask, verdict: &Verdict) {
    let Some(wait) = verdict.retry_after else {
        let nothing = ask.cost == 0 || after.limit.largest_cost() == 0;
        let never = ask.cost > after.limit.largest_cost() || ask.op == Op::TakeUpTo && nothing;
        assert!(!verdict.allowed && never, "{ask:?} is refused for ever: {verdict:?} {after:?}");
        return;
    };
    assert_eq!(verdict.allowed, wait == Micros::ZERO, "{ask:?}: {verdict:?} {after:?}");
    let (Some(exact), Some(early)) = (later(after.now, wait), later(after.now, less(wait))) else {
        return;
    };
    if !verdict.allowed {
        let allowed = |now| after.at(now, ask).map(|verdict| verdict.allowed);
        assert_eq!(allowed(exact), Some(true), "{ask:?} after {wait}: {after:?}");
        assert_eq!(allowed(early), Some(false), "{ask:?} 1 us before {wait}: {after:?}");
    }
}

/// The greatest cost that passes.
fn remaining_is_exact(after: &Game, verdict: &Verdict) {
    assert!(verdict.remaining <= after.limit.largest_cost(), "{verdict:?} {after:?}");
    let allowed = |cost| {
        after
            .at(after.now, &Game::stranger(Op::Peek, cost))
            .is_some_and(|verdict| verdict.allowed)
    };
    assert!(
        verdict.remaining == 0 || allowed(verdict.remaining),
        "less is left: {verdict:?} {after:?}"
    );
    let more = verdict.remaining.checked_add(1);
    assert!(!more.is_some_and(allowed), "more is left: {verdict:?} {after:?}");
}

/// From then on the counter is as if nothing had ever been asked, and a store may forget it no earlier.
fn reset_after_is_enough(after: &Game, verdict: &Verdict) {
    let Some(then) = later(after.now, verdict.reset_after) else {
        return;
    };
    let fresh = Game { counter: None, ..after.clone() };
    let ask = Game::stranger(Op::Peek, after.limit.largest_cost());
    assert_eq!(after.at(then, &ask), fresh.at(then, &ask), "at reset {verdict:?} {after:?}");
    if let Some(stored) = &after.counter {
        let idle = stored.idle_at(&after.limit).max(after.now);
        assert!(idle >= then, "forgotten at {idle:?}, before {then:?}: {after:?}");
        if idle < LAST {
            assert_eq!(after.at(idle, &ask), fresh.at(idle, &ask), "at {idle:?}: {after:?}");
        }
    }
}

/// An accepted request waits in a queue, at most its longest delay, and nowhere else.
fn a_queue_alone_delays(after: &Game, ask: &Ask, verdict: &Verdict) {
    let takes = matches!(ask.op, Op::Take | Op::TakeUpTo | Op::Peek);
    let queues = after.is(Algorithm::LeakyQueue) && takes && verdict.allowed;
    assert_eq!(verdict.delay.is_some(), queues, "{verdict:?} {after:?}");
    // A cost of zero adds nothing to a queue and so may wait for one more unit of it.
    let most = if ask.cost == 0 {
        MAX_EXACT
    } else {
        after.limit.max_delay().get()
    };
    assert!(verdict.delay.is_none_or(|delay| delay.get() <= most), "{verdict:?} {after:?}");
}

/// A refund with the receipt, at the same instant, gives back what was taken and no more.
fn refund_undoes(before: &Game, after: &Game, ask: &Ask, verdict: &Verdict) {
    let Some(token) = verdict.token else { return };
    let peek = Game::stranger(Op::Peek, 0);
    let left = |game: &Game| game.at(game.now, &peek).map(|verdict| verdict.remaining);
    // A holder that was renewed had been counted before and is released altogether.
    let renewed = after.is(Algorithm::Concurrency) && left(before) == left(after);
    // At the end of time a state saturates, and what does not fit is lost.
    let saturates = after.now + verdict.reset_after == Timestamp::MAX;
    if renewed || saturates {
        return;
    }
    let mut undone = after.clone();
    let refund = Ask::new(Op::Refund, ask.cost).with_token(token);
    let refunded = ratekeeper_core::step(&mut undone.counter, &undone.limit, super::KEY, undone.now, &refund);
    assert!(refunded.is_ok(), "a take's own token is taken back: {refunded:?} {after:?}");
    assert_eq!(left(&undone), left(before), "{ask:?} and its refund: {before:?} {undone:?}");
}

/// Until when time is exact: what ends later, also the last period of a calendar, saturates at the end of time.
const LAST: Timestamp = Timestamp::MAX.before(Micros::new(400 * Micros::DAY.get()));

/// The instant so much later, if it is one of those that are exact.
fn later(now: Timestamp, wait: Micros) -> Option<Timestamp> {
    Some(now + wait).filter(|then| *then < LAST)
}

fn less(wait: Micros) -> Micros {
    Micros::new(wait.get().saturating_sub(1))
}
