//! A limit that changes while its counters live on.

use proptest::prelude::*;
use ratekeeper_core::{
    Algorithm, Ask, Calendar, Holder, Limit, Micros, Op, Period, Stored, Timestamp, Verdict, step,
};

use crate::any::{self, Course};
use crate::differential::Twin;

/// Limits between which a reload may change, many of them with the same window.
fn related() -> impl Strategy<Value = Limit> {
    let algorithm = any::algorithm().prop_filter("rate", |&algorithm| algorithm != Algorithm::CalendarWindow);
    (algorithm, 1..=9_u64, prop_oneof![3 => Just(12_u64), 1 => 1..=20_u64], any::<[bool; 2]>()).prop_map(
        |(algorithm, count, window, [phase, reset])| {
            let window = Micros::new(window);
            let limit = match algorithm {
                Algorithm::TokenBucket => Limit::token_bucket(count, window),
                Algorithm::LeakyBucket => Limit::leaky_bucket(count, window).unwrap().with_burst(3),
                Algorithm::LeakyQueue => Limit::leaky_queue(count, window, Micros::new(10)),
                Algorithm::SlidingWindow => Limit::sliding_window(count, window),
                Algorithm::SlidingLog => Limit::sliding_log(count, window),
                Algorithm::Concurrency => Limit::concurrency(count, window),
                _ => Limit::fixed_window(count, window),
            };
            let limit = limit.unwrap();
            let limit = if phase { limit.with_phase_by_key() } else { limit };
            if reset && count > 6 {
                limit.with_reset_on_change()
            } else {
                limit
            }
        },
    )
}

proptest! {
    #![proptest_config(any::cases(400))]

    #[test]
    fn changed_limits_answer_like_the_model(
        limits in prop::collection::vec(related(), 2..=4),
        start in any::instant(),
        trace in prop::collection::vec((any::action(), proptest::option::weighted(0.2, 0..4_usize)), 1..40),
    ) {
        let (mut twin, mut course) = (Twin::new(&limits[0]), Course::from(start));
        for (action, change) in &trace {
            if let Some(to) = change {
                twin.change_limit(&limits[to % limits.len()]);
            }
            twin.act(&mut course, action)?;
        }
    }

    #[test]
    fn exactly_retry_after_is_enough_and_less_is_not_after_a_change(
        limits in prop::collection::vec(related(), 2..=4),
        start in any::instant(),
        trace in prop::collection::vec((any::action(), proptest::option::weighted(0.3, 0..4_usize)), 1..20),
    ) {
        let (mut limit, mut counter, mut course) = (&limits[0], None, Course::from(start));
        for (action, change) in &trace {
            limit = change.map_or(limit, |to| &limits[to % limits.len()]);
            let (now, ask) = course.next(limit, action);
            let Ok(verdict) = step(&mut counter, limit, b"alice", now, &ask) else { continue };
            course.heard(&verdict);
            // A peek does not carry the change over, and no instant is after the last.
            let Some(wait) = verdict.retry_after.filter(|&wait| (now + wait).since(now) == wait) else { continue };
            if !verdict.allowed && ask.op != Op::Peek {
                let again = |wait| step(&mut counter.clone(), limit, b"alice", now + wait, &ask).unwrap();
                prop_assert!(again(wait).allowed);
                prop_assert!(!again(Micros::new(wait.get() - 1)).allowed);
            }
        }
    }

    #[test]
    fn a_changed_bucket_lies_no_further_ahead_than_its_capacity(
        old in any::limit_of(Algorithm::TokenBucket),
        new in any::limit_of(Algorithm::LeakyBucket),
        now in any::instant(),
        debt in any::<u64>(),
    ) {
        let (mut counter, now) = (None, Timestamp::from_micros(now));
        step(&mut counter, &old, b"", now, &Ask::new(Op::Charge, debt)).unwrap();
        let after = step(&mut counter, &new, b"", now, &Ask::new(Op::Peek, 1)).unwrap();
        let full = u128::from(new.burst()) * u128::from(new.window().get());
        let full = full.div_ceil(u128::from(new.count()));
        prop_assert!(u128::from(after.reset_after.get()) <= full);
    }
}

const NOW: u64 = 1_700_000_000_000_000;

/// Takes `cost` under `old` and peeks at what is left under `new` in the same instant.
fn after_change(old: &Limit, cost: u64, new: &Limit) -> Verdict {
    let (mut counter, now) = (None, Timestamp::from_micros(NOW));
    assert!(take(&mut counter, old, cost).allowed);
    step(&mut counter, new, b"", now, &Ask::new(Op::Peek, 1).by(Holder::new(2))).unwrap()
}

fn take(counter: &mut Option<Stored>, limit: &Limit, cost: u64) -> Verdict {
    let ask = Ask::new(Op::Take, cost).by(Holder::new(1));
    step(counter, limit, b"", Timestamp::from_micros(NOW), &ask).unwrap()
}

#[test]
fn a_bucket_keeps_the_time_until_it_is_full() {
    let (old, new) = (Limit::token_bucket(10, Micros::SECOND), Limit::token_bucket(100, Micros::SECOND));
    // Three tokens of ten a second are 300 ms, which are 30 of a hundred a second.
    let after = after_change(&old.unwrap(), 3, &new.unwrap());
    assert_eq!((after.remaining, after.reset_after), (70, Micros::new(300_000)));
}

#[test]
fn a_debt_is_cut_to_the_new_capacity_once() {
    let (hourly, fast) = (Limit::token_bucket(5, Micros::HOUR), Limit::token_bucket(5, Micros::SECOND));
    let after = after_change(&hourly.unwrap(), 5, &fast.unwrap());
    assert_eq!((after.remaining, after.reset_after), (0, Micros::SECOND));
}

#[test]
fn fractions_of_a_microsecond_round_up() {
    let (thirds, whole) = (Limit::token_bucket(3, Micros::new(1)), Limit::token_bucket(1, Micros::new(1)));
    assert_eq!(after_change(&thirds.unwrap(), 1, &whole.unwrap()).reset_after, Micros::new(1));
}

#[test]
fn buckets_and_queues_keep_each_others_state() {
    let bucket = Limit::token_bucket(10, Micros::SECOND).unwrap();
    let queue = Limit::leaky_queue(10, Micros::SECOND, Micros::SECOND).unwrap();
    assert_eq!(after_change(&bucket, 3, &queue).delay, Some(Micros::new(300_000)));
    assert_eq!(after_change(&queue, 3, &bucket).remaining, 7);
}

#[test]
fn windows_keep_their_count_while_the_window_is_the_same() {
    let ten = Limit::fixed_window(10, Micros::MINUTE).unwrap();
    let twenty = Limit::fixed_window(20, Micros::MINUTE).unwrap();
    let hour = Limit::fixed_window(20, Micros::HOUR).unwrap();
    let sliding = Limit::sliding_window(20, Micros::MINUTE).unwrap();
    assert_eq!(after_change(&ten, 3, &twenty).remaining, 17);
    assert_eq!(after_change(&ten, 3, &sliding).remaining, 17);
    assert_eq!(after_change(&sliding, 3, &ten).remaining, 7);
    assert_eq!(after_change(&ten, 3, &hour).remaining, 20);
    // A smaller limit is already exceeded, which is no reason to forget.
    assert_eq!(after_change(&twenty, 20, &ten).remaining, 0);
}

#[test]
fn calendar_windows_keep_their_count_in_the_same_calendar() {
    let daily =
        |count, zone| Limit::calendar_window(count, Calendar::new(Period::Day, zone).unwrap()).unwrap();
    let weekly = Limit::calendar_window(20, Calendar::new(Period::Week, "UTC").unwrap()).unwrap();
    let (ten, twenty) = (daily(10, "UTC"), daily(20, "UTC"));
    assert_eq!(after_change(&ten, 3, &twenty).remaining, 17);
    assert_eq!(after_change(&ten, 3, &daily(20, "Europe/Paris")).remaining, 20);
    assert_eq!(after_change(&ten, 3, &weekly).remaining, 20);
    assert_eq!(after_change(&ten, 3, &Limit::fixed_window(20, Micros::DAY).unwrap()).remaining, 20);
}

#[test]
fn logs_keep_their_entries_while_the_window_is_the_same() {
    let ten = Limit::sliding_log(10, Micros::MINUTE).unwrap();
    assert_eq!(after_change(&ten, 3, &Limit::sliding_log(20, Micros::MINUTE).unwrap()).remaining, 17);
    assert_eq!(after_change(&ten, 3, &Limit::sliding_log(20, Micros::HOUR).unwrap()).remaining, 20);
}

#[test]
fn holders_are_kept_whatever_the_ttl() {
    let ten = Limit::concurrency(10, Micros::MINUTE).unwrap();
    let after = after_change(&ten, 3, &Limit::concurrency(20, Micros::HOUR).unwrap());
    assert_eq!((after.remaining, after.reset_after), (17, Micros::MINUTE));
}

#[test]
fn other_kinds_of_states_start_anew() {
    let bucket = Limit::token_bucket(10, Micros::MINUTE).unwrap();
    let window = Limit::fixed_window(10, Micros::MINUTE).unwrap();
    let log = Limit::sliding_log(10, Micros::MINUTE).unwrap();
    let holders = Limit::concurrency(10, Micros::MINUTE).unwrap();
    let all = [bucket, window, log, holders];
    for (i, old) in all.iter().enumerate() {
        for new in all.iter().skip(i + 1).chain(&all[..i]) {
            assert_eq!(after_change(old, 3, new).remaining, 10, "{old} to {new}");
        }
    }
}

#[test]
fn reset_on_change_drops_what_was_counted_but_not_without_a_change() {
    let ten = Limit::fixed_window(10, Micros::MINUTE).unwrap().with_reset_on_change();
    let twenty = Limit::fixed_window(20, Micros::MINUTE).unwrap().with_reset_on_change();
    assert_eq!(after_change(&ten, 3, &twenty).remaining, 20);
    assert_eq!(after_change(&ten, 3, &ten.clone()).remaining, 7);
    let bucket = Limit::token_bucket(10, Micros::MINUTE).unwrap();
    let larger = bucket.clone().with_burst(20).unwrap().with_reset_on_change();
    assert_eq!(after_change(&bucket, 3, &larger).remaining, 20);
}

#[test]
fn a_refusal_after_a_change_counts_nothing_and_a_peek_not_even_the_change() {
    let old = Limit::fixed_window(10, Micros::MINUTE).unwrap();
    let new = Limit::fixed_window(2, Micros::MINUTE).unwrap();
    let mut counter = None;
    take(&mut counter, &old, 3);
    let before = counter.clone().unwrap();
    let peek = Ask::new(Op::Peek, 1);
    assert!(!step(&mut counter, &new, b"", Timestamp::from_micros(NOW), &peek).unwrap().allowed);
    assert_eq!(counter, Some(before.clone()));
    assert!(!take(&mut counter, &new, 1).allowed);
    assert_eq!(counter, Some(Stored { tag: new.tag(), ..before }));
}

#[test]
fn a_debt_is_not_cut_anew_by_each_refusal() {
    // Cut at every look to now + capacity, it would be a refusal for as long as the old debt lasted.
    let old = Limit::token_bucket(10, Micros::HOUR).unwrap();
    let new = Limit::token_bucket(10, Micros::SECOND).unwrap();
    let mut counter = None;
    take(&mut counter, &old, 10);
    let wait = take(&mut counter, &new, 4).retry_after.unwrap();
    assert_eq!(wait, Micros::new(400_000));
    let now = Timestamp::from_micros(NOW) + wait;
    assert!(step(&mut counter, &new, b"", now, &Ask::new(Op::Take, 4)).unwrap().allowed);
}

#[test]
fn the_tag_tells_every_number_apart_and_nothing_else() {
    let base = Limit::token_bucket(10, Micros::MINUTE).unwrap();
    let others = [
        Limit::leaky_bucket(10, Micros::MINUTE).unwrap(),
        Limit::token_bucket(11, Micros::MINUTE).unwrap(),
        Limit::token_bucket(10, Micros::HOUR).unwrap(),
        base.clone().with_burst(11).unwrap(),
    ];
    for other in &others {
        assert_ne!(base.tag(), other.tag(), "{other}");
    }
    let queue = |delay| Limit::leaky_queue(10, Micros::MINUTE, Micros::new(delay)).unwrap();
    assert_ne!(queue(1).tag(), queue(2).tag());
    assert_eq!(base.tag(), base.clone().with_reset_on_change().tag());
    assert_eq!(base.tag(), base.clone().with_burst(10).unwrap().tag());
}
