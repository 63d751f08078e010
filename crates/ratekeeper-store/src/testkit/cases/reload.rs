//! A limit changes while its counters live: counts are carried over as far as they keep their meaning.

use ratekeeper_core::{Algorithm, Ask, Key, Limit, Micros, Op, Timestamp};

use crate::testkit::Subject;
use crate::testkit::random::{self, Memory, Rng, START, limit_of, one_of_each};
use crate::testkit::truth::{Truth, compare};
use crate::{Batch, Check};

const NOW: Timestamp = Timestamp::from_micros(START + 99);

pub(crate) fn a_raised_limit_keeps_what_was_used(subject: &Subject) {
    for (old, new) in one_of_each(10, Micros::DAY).iter().zip(one_of_each(20, Micros::DAY)) {
        let key = subject.key(&format!("raised/{}", old.algorithm()));
        subject.ask(NOW, &key, old, &Ask::new(Op::Take, 6)).unwrap();
        let peek = |limit: &Limit| {
            let peek = Ask::new(Op::Peek, 0).by(ratekeeper_core::Holder::new(1));
            subject.ask(NOW, &key, limit, &peek).unwrap().remaining
        };
        let left = peek(&new);
        let fresh = new.largest_cost();
        // Buckets keep their instant, which is worth more at the higher rate.
        let expected = match old.algorithm() {
            Algorithm::TokenBucket | Algorithm::LeakyBucket | Algorithm::LeakyQueue => fresh - 12,
            _ => fresh - 6,
        };
        assert_eq!(left, expected, "{new}");
        assert_eq!(peek(&new.clone().with_reset_on_change()), fresh, "{new}");
        assert_eq!(peek(old), old.largest_cost() - 6, "looking changes nothing: {old}");
    }
}

pub(crate) fn another_algorithm_starts_anew(subject: &Subject) {
    let (bucket, window) = (
        limit_of(Algorithm::TokenBucket, 10, Micros::DAY),
        limit_of(Algorithm::FixedWindow, 10, Micros::DAY),
    );
    let key = subject.key("another algorithm");
    subject.ask(NOW, &key, &bucket, &Ask::new(Op::Take, 6)).unwrap();
    assert_eq!(subject.ask(NOW, &key, &window, &Ask::new(Op::Take, 1)).unwrap().remaining, 9);
    assert_eq!(subject.ask(NOW, &key, &bucket, &Ask::new(Op::Take, 1)).unwrap().remaining, 9);
}

pub(crate) fn changing_limits_answer_like_step(subject: &Subject) {
    for round in 0..subject.times(60) {
        let mut rng = Rng::named("reload", round);
        let key = subject.key(&format!("reload/{round}"));
        let mut now = Timestamp::from_micros(START + rng.below(1 << 40));
        let (mut truth, mut memory) = (Truth::default(), Memory::default());
        let mut algorithm = rng.pick(Algorithm::ALL);
        let mut limit = random::limit(&mut rng, algorithm);
        for _ in 0..50 {
            if rng.once_in(5) {
                if rng.once_in(3) {
                    algorithm = rng.pick(Algorithm::ALL);
                }
                // Often the same window, under which windows and logs keep their counts.
                limit = match rng.below(3) {
                    0 => random::limit(&mut rng, algorithm),
                    1 => limit_of(algorithm, 1 + rng.below(20), limit.window()),
                    _ => limit_of(algorithm, 1 + rng.below(20), limit.window()).with_reset_on_change(),
                };
            }
            now = memory.after(&mut rng, now, &limit);
            let ask = memory.ask(&mut rng, &limit);
            let mut check = Check::new(Key::new(&key).unwrap(), &limit, ask.cost);
            check.token = ask.token;
            let mut batch = Batch::new().at(now);
            batch.push_by(ask.op, ask.holder, [check]);
            compare(subject, &mut truth, &mut batch);
            if let Some(verdict) = &batch.checks(0)[0].verdict {
                memory.heard(now, verdict);
            }
        }
    }
}
