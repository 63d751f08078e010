//! Clocks: injected ones are obeyed, also when they step back; without one the store's own decides.

use ratekeeper_core::model::check_envelope;
use ratekeeper_core::{Algorithm, Ask, Holder, Limit, Micros, Op, Timestamp};

use crate::testkit::Subject;
use crate::testkit::random::{Memory, Rng, START, limit_of, one_of_each};
use crate::{Clock, SystemClock};

const NOW: Timestamp = Timestamp::from_micros(START + 1_000_003);

fn take(cost: u64, holder: u64) -> Ask {
    Ask::new(Op::Take, cost).by(Holder::new(u128::from(holder)))
}

pub(crate) fn waiting_exactly_retry_after_passes_and_less_fails(subject: &Subject) {
    for round in 0..subject.times(10) {
        let mut rng = Rng::named("waiting", round);
        for limit in one_of_each(1 + rng.below(20), Micros::new(1 + rng.below(5_000_000))) {
            let key = subject.key(&format!("waiting/{round}/{}", limit.algorithm()));
            let mut now = NOW;
            for holder in 0..12 {
                // No more than ever fits, and then as soon as it fits.
                let ask = take(1 + rng.below(limit.largest_cost()), holder);
                let first = subject.ask(now, &key, &limit, &ask).unwrap();
                let Some(wait) = first.retry_after.filter(|wait| *wait > Micros::ZERO) else {
                    assert!(first.allowed, "{limit}");
                    continue;
                };
                let early = now + Micros::new(wait.get() - 1);
                let still = subject.ask(early, &key, &limit, &ask).unwrap();
                assert!(!still.allowed, "1us less than {wait} is too early under {limit}");
                now = now + wait;
                assert!(subject.ask(now, &key, &limit, &ask).unwrap().allowed, "{wait} under {limit}");
            }
        }
    }
}

pub(crate) fn after_reset_after_nothing_is_left(subject: &Subject) {
    for limit in one_of_each(7, Micros::new(3_000_017)) {
        let key = subject.key(&format!("reset after/{}", limit.algorithm()));
        let fresh = subject.ask(NOW, &key, &limit, &Ask::new(Op::Peek, 1)).unwrap();
        assert_eq!(fresh.reset_after, Micros::ZERO, "{limit}");
        let mut last = fresh;
        for holder in 1..5 {
            last = subject.ask(NOW, &key, &limit, &take(1, holder)).unwrap();
        }
        assert!(last.reset_after > Micros::ZERO, "{limit}");
        let peek = |at| subject.ask(at, &key, &limit, &Ask::new(Op::Peek, 1)).unwrap();
        assert!(peek(NOW + Micros::new(last.reset_after.get() - 1)).reset_after > Micros::ZERO, "{limit}");
        let after = peek(NOW + last.reset_after);
        assert_eq!((after.remaining, after.reset_after), (fresh.remaining, Micros::ZERO), "{limit}");
    }
}

pub(crate) fn windows_begin_at_their_boundary(subject: &Subject) {
    let days = limit_of(Algorithm::CalendarWindow, 3, Micros::DAY);
    for limit in [limit_of(Algorithm::FixedWindow, 3, Micros::DAY), days] {
        let key = subject.key(&format!("boundary/{}", limit.algorithm()));
        let boundary = Timestamp::from_micros(START - START % Micros::DAY.get()) + Micros::DAY;
        let last = boundary.before(Micros::new(1));
        let ask = |at, cost| subject.ask(at, &key, &limit, &Ask::new(Op::Take, cost)).unwrap();
        assert!(ask(last, 3).allowed, "{limit}");
        assert_eq!(ask(last, 1).retry_after, Some(Micros::new(1)), "{limit}");
        let next = ask(boundary, 1);
        assert_eq!((next.allowed, next.remaining, next.reset_after), (true, 2, Micros::DAY), "{limit}");
    }
}

/// Whatever the clock does, no window holds more than the envelope allows, on a clock that never steps back: the
/// latest instant at which somebody was admitted.
pub(crate) fn a_clock_that_steps_back_admits_no_more(subject: &Subject) {
    for round in 0..subject.times(30) {
        let mut rng = Rng::named("stepping back", round);
        for limit in one_of_each(1 + rng.below(10), Micros::new(20 + rng.below(1000))) {
            // Who holds says nothing of how often they come.
            if matches!(limit.algorithm(), Algorithm::Concurrency | Algorithm::LeakyQueue) {
                continue;
            }
            let key = subject.key(&format!("stepping back/{round}/{}", limit.algorithm()));
            let (mut now, mut latest) = (NOW, Timestamp::EPOCH);
            let mut memory = Memory::default();
            let mut admitted = Vec::new();
            for holder in 0..60 {
                now = memory.after(&mut rng, now, &limit);
                let verdict = subject.ask(now, &key, &limit, &take(1 + rng.below(3), holder)).unwrap();
                memory.heard(now, &verdict);
                if verdict.allowed {
                    latest = latest.max(now);
                    admitted.push((latest, verdict.granted));
                }
            }
            assert_eq!(check_envelope(&limit, 3, admitted), Ok(()), "{limit}");
        }
    }
}

/// Asks as fast as it goes on the store's own clock, and compares with what the time that passed can have let in.
pub(crate) fn the_own_clock_runs_at_the_pace_of_time(subject: &Subject) {
    // Between two slow servers' answers much time may pass: a thousand a second come in.
    let limit = Limit::token_bucket(1000, Micros::SECOND).and_then(|limit| limit.with_burst(50)).unwrap();
    let key = subject.key("own clock");
    let clock = SystemClock::new();
    let start = clock.now();
    let (mut admitted, mut refused, mut asked) = (0_u64, 0, 0);
    while (refused < 200 && asked < 20_000) || admitted < 60 {
        let verdict = subject.ask(None, &key, &limit, &Ask::new(Op::Take, 1)).unwrap();
        assert!(verdict.reset_after <= Micros::new(50_000), "a burst of 50 is full after 50 ms");
        admitted += u64::from(verdict.allowed);
        refused += u64::from(!verdict.allowed);
        asked += 1;
    }
    // A clock may be drawn after another by one part in a thousand, and each reading is rounded.
    let elapsed = clock.now().since(start).get();
    let most = 50 + (elapsed + elapsed / 1000 + 1000) / 1000;
    assert!(admitted <= most, "{admitted} admitted in {elapsed} us, {most} at most");
}

pub(crate) fn the_clock_is_read_once_a_batch(subject: &Subject) {
    use super::units::key;
    use crate::{Batch, Check};
    // A reading for every unit would let some of the later ones pass.
    let limit = limit_of(Algorithm::TokenBucket, 1_000_000, Micros::SECOND).with_burst(1).unwrap();
    let bytes = subject.key("one reading");
    for _ in 0..20 {
        let mut batch = Batch::new();
        for _ in 0..100 {
            batch.push(Op::Take, [Check::new(key(&bytes), &limit, 1)]);
        }
        subject.apply(&mut batch).unwrap();
        let passed = batch.units().iter().filter(|unit| unit.passes).count();
        assert!(passed <= 1, "{passed} passed at one instant");
    }
}
