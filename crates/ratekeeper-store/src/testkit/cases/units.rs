//! Units are all-or-nothing, and the units of a batch apply in order.

use ratekeeper_core::{Algorithm, Holder, Key, Limit, Micros, Op, StepError, Timestamp};

use crate::testkit::Subject;
use crate::testkit::random::{self, Memory, Rng, START, limit_of, one_of_each};
use crate::testkit::truth::{Truth, compare};
use crate::{Batch, Check, Group, StoreError};

const NOW: Timestamp = Timestamp::from_micros(START + 7_654_321);

pub(super) fn key(bytes: &[u8]) -> Key<'_> {
    Key::new(bytes).unwrap()
}

/// What a counter would let pass.
fn remaining(subject: &Subject, bytes: &[u8], limit: &Limit) -> u64 {
    let ask = ratekeeper_core::Ask::new(Op::Peek, 0).by(Holder::new(u128::MAX));
    subject.ask(NOW, bytes, limit, &ask).unwrap().remaining
}

pub(crate) fn a_refused_unit_leaves_every_counter_untouched(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let most = limit.largest_cost();
        let keys: Vec<_> =
            (0..3).map(|i| subject.key(&format!("refused unit/{}/{i}", limit.algorithm()))).collect();
        let mut batch = Batch::new().at(NOW);
        batch.push_by(Op::Take, Holder::new(1), [Check::new(key(&keys[2]), &limit, most)]);
        batch.push_by(Op::Take, Holder::new(2), keys.iter().map(|bytes| Check::new(key(bytes), &limit, 1)));
        batch.push_by(
            Op::TakeUpTo,
            Holder::new(3),
            keys.iter().map(|bytes| Check::new(key(bytes), &limit, 1)),
        );
        subject.apply(&mut batch).unwrap();
        let passes: Vec<_> = batch.units().iter().map(|unit| unit.passes).collect();
        assert_eq!(passes, [true, false, false], "{limit}");
        for unit in [1, 2] {
            let allowed: Vec<_> =
                batch.checks(unit).iter().map(|check| check.verdict.unwrap().allowed).collect();
            assert_eq!(allowed, [true, true, false], "every check has its own answer: {limit}");
            assert!(batch.checks(unit).iter().all(|check| check.verdict.unwrap().granted == 0), "{limit}");
        }
        for (bytes, expected) in keys.iter().zip([most, most, 0]) {
            assert_eq!(remaining(subject, bytes, &limit), expected, "{limit}");
        }
    }
}

pub(crate) fn a_partial_take_grants_the_least_of_all_checks(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let most = limit.largest_cost();
        let keys: Vec<_> = (0..3).map(|i| subject.key(&format!("least/{}/{i}", limit.algorithm()))).collect();
        let mut batch = Batch::new().at(NOW);
        batch.push_by(Op::Take, Holder::new(1), [Check::new(key(&keys[1]), &limit, most - 4)]);
        let checks = keys.iter().map(|bytes| Check::new(key(bytes), &limit, 6));
        batch.push_by(Op::TakeUpTo, Holder::new(2), checks);
        subject.apply(&mut batch).unwrap();
        let granted: Vec<_> = batch.checks(1).iter().map(|check| check.verdict.unwrap().granted).collect();
        assert_eq!(granted, [4, 4, 4], "{limit}");
        assert_eq!(remaining(subject, &keys[0], &limit), most - 4, "{limit}");
        assert_eq!(remaining(subject, &keys[1], &limit), 0, "{limit}");
    }
}

pub(crate) fn the_units_of_a_batch_apply_in_order(subject: &Subject) {
    for limit in one_of_each(10, Micros::HOUR) {
        let bytes = subject.key(&format!("order/{}", limit.algorithm()));
        let mut batch = Batch::new().at(NOW);
        for holder in 0..40 {
            batch.push_by(Op::Take, Holder::new(holder), [Check::new(key(&bytes), &limit, 1)]);
        }
        subject.apply(&mut batch).unwrap();
        let most = limit.largest_cost();
        for (index, unit) in (0..).zip(batch.units()) {
            assert_eq!(unit.passes, index < most, "unit {index} under {limit}");
        }
    }
}

pub(crate) fn nothing_is_asked_and_nothing_happens(subject: &Subject) {
    subject.apply(&mut Batch::new().at(NOW)).unwrap();
    let mut batch = Batch::new().at(NOW);
    batch.push(Op::Take, []);
    subject.apply(&mut batch).unwrap();
    assert!(batch.units()[0].passes, "nothing refuses a request without checks");
}

pub(crate) fn a_key_twice_in_a_unit_is_an_error(subject: &Subject) {
    let limit = limit_of(Algorithm::TokenBucket, 10, Micros::HOUR);
    let keys = [subject.key("twice/first"), subject.key("twice/second")];
    let mut batch = Batch::new().at(NOW);
    batch.push(Op::Take, [Check::new(key(&keys[1]), &limit, 1)]);
    batch.push(Op::Take, [&keys[0], &keys[1], &keys[0]].map(|bytes| Check::new(key(bytes), &limit, 1)));
    let answer = subject.apply(&mut batch);
    assert!(matches!(answer, Err(StoreError::DuplicateKey { .. })), "{answer:?}");
    for bytes in &keys {
        assert_eq!(remaining(subject, bytes, &limit), 10, "an error that writes nothing");
    }
}

pub(crate) fn an_operation_that_is_none_is_an_error(subject: &Subject) {
    let bucket = limit_of(Algorithm::TokenBucket, 10, Micros::HOUR);
    let holders = limit_of(Algorithm::Concurrency, 10, Micros::HOUR);
    let keys = [subject.key("no op/bucket"), subject.key("no op/holders")];
    let mut batch = Batch::new().at(NOW);
    batch.push(Op::Take, [Check::new(key(&keys[0]), &bucket, 1)]);
    batch.push(
        Op::Charge,
        [
            Check::new(key(&keys[0]), &bucket, 1),
            Check::new(key(&keys[1]), &holders, 1),
        ],
    );
    let answer = subject.apply(&mut batch);
    assert!(matches!(answer, Err(StoreError::Step(StepError::Charge { .. }))), "{answer:?}");
    assert!(!answer.unwrap_err().is_retryable(), "it will never exist");
    assert_eq!(remaining(subject, &keys[0], &bucket), 10, "an error that writes nothing");
}

pub(crate) fn many_checks_and_many_units(subject: &Subject) {
    let limits = one_of_each(1000, Micros::HOUR);
    // No more than the least that a store has in one atomic step, which is DynamoDB's.
    let keys: Vec<_> = (0..100).map(|i| subject.key(&format!("many/{i}"))).collect();
    let checks = || {
        let limits = limits.iter().cycle();
        keys.iter().zip(limits).map(|(bytes, limit)| Check::new(key(bytes), limit, 3))
    };
    let mut truth = Truth::default();
    let mut batch = Batch::new().at(NOW);
    batch.push_by(Op::Take, Holder::new(1), checks());
    for (holder, check) in (2..).zip(checks().chain(checks())) {
        batch.push_by(Op::Take, Holder::new(holder), [check]);
    }
    batch.push_by(Op::TakeUpTo, Holder::new(1000), checks());
    compare(subject, &mut truth, &mut batch);
}

/// Random batches of several units of several checks in several groups, over few counters.
pub(super) fn random_batches(subject: &Subject, name: &str, most_checks: u64, shadows: u64) {
    for round in 0..subject.times(60) {
        let mut rng = Rng::named(name, round);
        let counters: Vec<(Vec<u8>, Limit)> = (0..5)
            .map(|index| {
                let algorithm = rng.pick(Algorithm::ALL);
                (subject.key(&format!("{name}/{round}/{index}")), random::limit(&mut rng, algorithm))
            })
            .collect();
        let mut memories = vec![Memory::default(); counters.len()];
        let mut truth = Truth::default();
        let mut now = Timestamp::from_micros(START + rng.below(1 << 40));
        for _ in 0..25 {
            let leader = rng.below(5) as usize;
            now = memories[leader].after(&mut rng, now, &counters[leader].1);
            now = memories.iter().fold(now, |now, memory| memory.not_before(now));
            let mut batch = Batch::new().at(now);
            let mut asked = Vec::new();
            for _ in 0..1 + rng.below(4) {
                let first = rng.below(5) as usize;
                let ask = memories[first].ask(&mut rng, &counters[first].1);
                let mut checks = Vec::new();
                for place in 0..1 + rng.below(most_checks) as usize {
                    let index = (first + place) % counters.len();
                    let (bytes, limit) = &counters[index];
                    let cost = if place == 0 {
                        ask.cost
                    } else {
                        memories[index].cost(&mut rng, limit)
                    };
                    let mut check = Check::new(key(bytes), limit, cost);
                    check.token = ask.token.filter(|_| place == 0);
                    if place > 0 && rng.once_in(4) {
                        check.op = Some(rng.pick(&[
                            Op::Take,
                            Op::TakeUpTo,
                            Op::Peek,
                            Op::Charge,
                            Op::Refund,
                            Op::Reset,
                        ]));
                    }
                    if shadows > 0 && rng.once_in(2) {
                        check.group = Group::Shadow(rng.below(shadows) as u16);
                    }
                    checks.push(check);
                    asked.push(index);
                }
                batch.push_by(ask.op, ask.holder, checks);
            }
            compare(subject, &mut truth, &mut batch);
            let verdicts = (0..batch.units().len()).flat_map(|unit| batch.checks(unit));
            for (index, check) in asked.into_iter().zip(verdicts) {
                if let Some(verdict) = &check.verdict {
                    memories[index].heard(now, verdict);
                }
            }
        }
    }
}

/// As a reservation is settled: whoever takes the marker first charges what was used, and nobody a second time.
pub(crate) fn a_check_may_have_an_operation_of_its_own(subject: &Subject) {
    let marker = limit_of(Algorithm::FixedWindow, 1, Micros::DAY);
    let bucket = limit_of(Algorithm::TokenBucket, 10, Micros::DAY);
    let keys =
        ["marker", "charged", "refunded", "forgotten"].map(|name| subject.key(&format!("own op/{name}")));
    let mut before = Batch::new().at(NOW);
    before.push(Op::Take, keys[1..].iter().map(|bytes| Check::new(key(bytes), &bucket, 4)));
    subject.apply(&mut before).unwrap();
    let token = before.checks(0)[1].verdict.unwrap().token.unwrap();
    for first in [true, false] {
        let mut batch = Batch::new().at(NOW);
        batch.push(
            Op::Take,
            [
                Check::new(key(&keys[0]), &marker, 1),
                Check::new(key(&keys[1]), &bucket, 9).with_op(Op::Charge).in_group(Group::Shadow(0)),
                Check::new(key(&keys[2]), &bucket, 4)
                    .with_op(Op::Refund)
                    .with_token(token)
                    .in_group(Group::Shadow(1)),
                Check::new(key(&keys[3]), &bucket, 0).with_op(Op::Reset),
            ],
        );
        subject.apply(&mut batch).unwrap();
        assert_eq!(batch.units()[0].passes, first);
        let after = if first { [0, 0, 10, 10] } else { [0, 10, 0, 0] };
        for (bytes, (limit, expected)) in
            keys.iter().zip([&marker, &bucket, &bucket, &bucket].into_iter().zip(after))
        {
            assert_eq!(remaining(subject, bytes, limit), expected, "{}", bytes.escape_ascii());
        }
        // A second settlement would change this.
        let mut between = Batch::new().at(NOW);
        between.push(
            Op::Take,
            [
                Check::new(key(&keys[3]), &bucket, 10),
                Check::new(key(&keys[2]), &bucket, 10),
            ],
        );
        if first {
            subject.apply(&mut between).unwrap();
            let ask = ratekeeper_core::Ask::new(Op::Refund, 13);
            subject.ask(NOW, &keys[1], &bucket, &ask).unwrap();
        }
    }
}

pub(crate) fn random_batches_answer_like_step(subject: &Subject) {
    random_batches(subject, "batches", 4, 0);
}
