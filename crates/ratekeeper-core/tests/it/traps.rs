//! What other limiters got wrong, one test each.

use ratekeeper_core::{Ask, Holder, Limit, Micros, Op, State, Stored, Timestamp, Verdict, step};

const NOW: u64 = 1_700_000_000_000_000;
const SECOND: u64 = 1_000_000;

/// One counter and its limit.
struct Key {
    limit: Limit,
    counter: Option<Stored>,
}

impl Key {
    fn new(limit: Result<Limit, ratekeeper_core::LimitError>) -> Self {
        Self { limit: limit.unwrap(), counter: None }
    }

    fn ask(&mut self, at: u64, ask: &Ask) -> Verdict {
        step(&mut self.counter, &self.limit, b"alice", Timestamp::from_micros(at), ask).unwrap()
    }

    fn take(&mut self, at: u64, cost: u64) -> Verdict {
        self.ask(at, &Ask::new(Op::Take, cost))
    }

    /// How many single takes pass at once.
    fn flood(&mut self, at: u64, tries: u64) -> u64 {
        (0..tries).map(|_| u64::from(self.take(at, 1).allowed)).sum()
    }
}

fn every_limit(count: u64) -> Vec<Key> {
    let window = Micros::SECOND;
    vec![
        Key::new(Limit::token_bucket(count, window)),
        Key::new(Limit::leaky_bucket(count, window)),
        Key::new(Limit::leaky_queue(count, window, Micros::new(SECOND / count * (count - 1)))),
        Key::new(Limit::fixed_window(count, window)),
        Key::new(Limit::sliding_window(count, window)),
        Key::new(Limit::sliding_log(count, window)),
    ]
}

#[test]
fn an_idle_bucket_is_full_and_no_fuller() {
    // X floored at now − τ let 197 pass where 100 is the burst.
    let mut key = Key::new(Limit::token_bucket(100, Micros::SECOND));
    assert_eq!(key.flood(NOW, 300), 100);
    assert_eq!(key.flood(NOW + 3600 * SECOND, 300), 100);
}

#[test]
fn a_burst_of_one_limits_and_is_kept_long_enough_to() {
    // A ttl of burst − 1 intervals is zero here, and a key that is never kept is never limited.
    let mut key = Key::new(Limit::token_bucket(1, Micros::SECOND));
    assert_eq!(key.flood(NOW, 10), 1);
    let idle = key.counter.as_ref().unwrap().idle_at(&key.limit);
    assert_eq!(idle, Timestamp::from_micros(NOW + SECOND));
    assert!(!key.take(NOW + SECOND - 1, 1).allowed);
    assert!(key.take(NOW + SECOND, 1).allowed);
}

#[test]
fn denied_costs_are_not_debited() {
    for mut key in every_limit(10) {
        assert!(key.take(NOW, 9).allowed, "{}", key.limit);
        for _ in 0..100 {
            assert!(!key.take(NOW, 2).allowed, "{}", key.limit);
        }
        assert!(key.take(NOW, 1).allowed, "{}", key.limit);
    }
}

#[test]
fn the_cost_is_added_before_the_count_is_compared() {
    // `count >= limit` alone lets a cost of 100 pass while one of 10 is left.
    for mut key in every_limit(10) {
        assert!(key.take(NOW, 9).allowed, "{}", key.limit);
        assert!(!key.take(NOW, 10).allowed, "{}", key.limit);
        assert_eq!(key.take(NOW, 1).remaining, 0, "{}", key.limit);
    }
}

#[test]
fn a_refused_request_is_refused_by_all_its_limits() {
    // The second limit refuses, and the first was already spent: a check is written only once all have passed.
    let (roomy, tight) = (
        Limit::token_bucket(10, Micros::SECOND).unwrap(),
        Limit::fixed_window(1, Micros::SECOND).unwrap(),
    );
    let (now, ask) = (Timestamp::from_micros(NOW), Ask::new(Op::Take, 2));
    let mut states = [Stored::absent(&roomy), Stored::absent(&tight)];
    let limits = [&roomy, &tight];
    let evaluations: Vec<_> = (states.iter().zip(limits))
        .map(|(stored, limit)| step::evaluate(stored, limit, now, Micros::ZERO, &ask))
        .collect();
    let granted = evaluations.iter().all(|evaluation| evaluation.passes).then_some(2);
    let before = states.clone();
    let verdicts: Vec<_> = (states.iter_mut().zip(limits).zip(&evaluations))
        .map(|((stored, limit), evaluation)| {
            step::conclude(stored, limit, now, Micros::ZERO, &ask, evaluation, granted)
        })
        .collect();
    assert_eq!(states, before);
    // Each verdict is its own limit's answer, and describes what has been left unspent.
    assert!(verdicts[0].allowed && !verdicts[1].allowed);
    assert_eq!((verdicts[0].granted, verdicts[0].remaining, verdicts[0].token), (0, 10, None));
}

#[test]
fn a_clock_that_steps_back_opens_no_old_window() {
    for limit in [
        Limit::fixed_window(10, Micros::SECOND),
        Limit::sliding_window(10, Micros::SECOND),
    ] {
        let mut key = Key::new(limit);
        assert_eq!(key.flood(NOW, 20), 10);
        for back in [1, SECOND / 2, SECOND, 5 * SECOND] {
            assert_eq!(key.flood(NOW - back, 20), 0, "{}", key.limit);
        }
        assert_eq!(
            key.take(NOW - SECOND, 1).retry_after,
            key.take(NOW, 1).retry_after.map(|wait| { Micros::new(wait.get() + SECOND) })
        );
    }
}

#[test]
fn a_clock_that_steps_back_does_not_fade_the_window_before() {
    // `e = now mod W` of the older instant, with the newer window kept, weighs the one before too lightly.
    let mut key = Key::new(Limit::sliding_window(10, Micros::SECOND));
    assert_eq!(key.flood(NOW + SECOND / 2, 20), 10);
    // The new window has just begun; nothing of the old has faded.
    assert!(key.take(NOW + SECOND + SECOND / 10, 1).allowed);
    assert_eq!(key.flood(NOW + SECOND - 1, 20), 0);
    assert_eq!(key.ask(NOW + SECOND / 10, &Ask::new(Op::Peek, 1)).remaining, 0);
}

#[test]
fn a_clock_that_steps_back_does_not_hide_entries_of_a_log() {
    let mut key = Key::new(Limit::sliding_log(10, Micros::SECOND));
    assert_eq!(key.flood(NOW, 20), 10);
    assert_eq!(key.flood(NOW - 10 * SECOND, 20), 0);
    assert!(key.take(NOW + SECOND, 1).allowed);
    // What is appended now counts from the newest instant on, not from an earlier one.
    assert_eq!(key.flood(NOW + 1, 20), 9);
    assert_eq!(key.flood(NOW + 2 * SECOND - 1, 20), 0);
    assert_eq!(key.flood(NOW + 2 * SECOND, 20), 10);
}

#[test]
fn a_clock_that_steps_back_fills_no_bucket() {
    let mut key = Key::new(Limit::token_bucket(10, Micros::SECOND));
    assert_eq!(key.flood(NOW, 20), 10);
    assert_eq!(key.flood(NOW - SECOND, 20), 0);
    assert_eq!(key.flood(NOW, 20), 0);
    assert_eq!(key.flood(NOW + SECOND / 10, 20), 1);
}

#[test]
fn a_refund_does_not_give_back_what_time_gave() {
    for mut key in every_limit(10) {
        let token = key.take(NOW, 10).token.unwrap();
        let later = NOW + 2 * SECOND;
        assert!(key.take(later, 10).allowed, "{}", key.limit);
        let refund = Ask::new(Op::Refund, 10).with_token(token);
        assert_eq!(key.ask(later, &refund).remaining, 0, "{}", key.limit);
    }
    let mut key = Key::new(Limit::token_bucket(10, Micros::SECOND));
    let token = key.take(NOW, 10).token.unwrap();
    // Three tokens have flowed in again and were taken: seven are left to give back.
    assert!(key.take(NOW + 3 * SECOND / 10, 3).allowed);
    let refund = Ask::new(Op::Refund, 10).with_token(token);
    assert_eq!(key.ask(NOW + 3 * SECOND / 10, &refund).remaining, 7);
}

#[test]
fn counters_do_not_restart_on_reload() {
    for mut key in every_limit(10) {
        assert!(key.take(NOW, 10).allowed);
        // The same policy, read again.
        key.limit = every_limit(10).into_iter().find(|other| other.limit == key.limit).unwrap().limit;
        assert_eq!(key.flood(NOW, 10), 0, "{}", key.limit);
        // One with another count.
        let window = Micros::SECOND;
        key.limit = match key.limit.algorithm().name() {
            "token_bucket" => Limit::token_bucket(11, window),
            "leaky_bucket" => Limit::leaky_bucket(11, window),
            "leaky_queue" => Limit::leaky_queue(10, window, Micros::new(SECOND)),
            "fixed_window" => Limit::fixed_window(11, window),
            "sliding_window" => Limit::sliding_window(11, window),
            _ => Limit::sliding_log(11, window),
        }
        .unwrap();
        assert!(key.flood(NOW, 20) <= 2, "{}", key.limit);
    }
}

#[test]
fn nothing_drifts() {
    // 300,000 a second are one every 10/3 µs, which neither integers nor floats of microseconds can tell.
    let mut key = Key::new(Limit::token_bucket(300_000, Micros::SECOND).unwrap().with_burst(1));
    let passed: u64 = (0..SECOND).map(|micro| key.flood(NOW + micro, 1)).sum();
    // One every 10/3 µs, asked on whole microseconds, each counted from when it passed: every fourth.
    assert_eq!(passed, 250_000);
    let mut key = Key::new(Limit::token_bucket(300_000, Micros::SECOND).unwrap().with_burst(2));
    let passed: u64 = (0..SECOND).map(|micro| key.flood(NOW + micro, 1)).sum();
    assert_eq!(passed, 300_000 + 1);
}

#[test]
fn expired_holders_do_not_hold() {
    // A store may still return rows that have expired.
    let mut key = Key::new(Limit::concurrency(1, Micros::SECOND));
    let hold = |id| Ask::new(Op::Take, 1).by(Holder::new(id));
    assert!(key.ask(NOW, &hold(1)).allowed);
    assert!(!key.ask(NOW + SECOND - 1, &hold(2)).allowed);
    assert!(key.ask(NOW + SECOND, &hold(2)).allowed);
    assert!(!key.ask(NOW + SECOND, &hold(1)).allowed, "and cannot renew what has passed on");
}

#[test]
fn a_log_is_not_taken_for_a_holder_who_renews() {
    // Every entry of a log has the same holder as a question without one.
    let mut key = Key::new(Limit::sliding_log(10, Micros::SECOND));
    assert!(key.take(NOW, 8).allowed);
    let partial = key.ask(NOW, &Ask::new(Op::TakeUpTo, 5));
    assert_eq!((partial.allowed, partial.granted), (true, 2));
    assert!(!key.ask(NOW, &Ask::new(Op::TakeUpTo, 5)).allowed);
}

#[test]
fn neither_free_requests_nor_debts_grow_a_log() {
    let mut key = Key::new(Limit::sliding_log(10, Micros::HOUR));
    let entries = |key: &Key| match &key.counter.as_ref().unwrap().state {
        State::Entries(entries) => entries.iter().count(),
        _ => 0,
    };
    for micro in 0..1000 {
        key.take(NOW + micro, 0);
    }
    assert_eq!(entries(&key), 1);
    for micro in 1000..21_000 {
        key.ask(NOW + micro, &Ask::new(Op::Charge, 1));
    }
    assert!(entries(&key) <= 16_384);
    assert!(!key.take(NOW + 3600 * SECOND + 1000, 1).allowed);
}

#[test]
fn a_window_of_zero_says_that_waiting_does_not_help() {
    // A wait until the next window, which lets nothing pass either, makes clients come back for ever.
    let mut key = Key::new(Limit::fixed_window(0, Micros::SECOND));
    for op in [Op::Take, Op::TakeUpTo, Op::Peek] {
        let refused = key.ask(NOW, &Ask::new(op, 1));
        assert_eq!((refused.allowed, refused.retry_after, refused.remaining), (false, None, 0));
    }
}
