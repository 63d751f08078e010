//! Shadow groups: debited iff all enforced checks and all their own pass; they refuse nobody.

use ratekeeper_core::{Algorithm, Ask, Micros, Op, Timestamp};

use super::units::{key, random_batches};
use crate::testkit::Subject;
use crate::testkit::random::{START, limit_of};
use crate::{Batch, Check, Group};

const NOW: Timestamp = Timestamp::from_micros(START + 42);

/// For each check of a unit its group and whether its counter has room; and which are debited.
struct Row {
    checks: &'static [(Group, bool)],
    passes: bool,
    debited: &'static [bool],
}

const E: Group = Group::Enforced;
const A: Group = Group::Shadow(0);
const B: Group = Group::Shadow(7);

const ROWS: &[Row] = &[
    Row { checks: &[(E, true), (A, true)], passes: true, debited: &[true, true] },
    Row { checks: &[(E, true), (A, false)], passes: true, debited: &[true, false] },
    Row { checks: &[(A, false), (E, true)], passes: true, debited: &[false, true] },
    Row { checks: &[(E, false), (A, true)], passes: false, debited: &[false, false] },
    Row {
        checks: &[(E, true), (A, true), (A, false)],
        passes: true,
        debited: &[true, false, false],
    },
    Row {
        checks: &[(E, true), (A, false), (B, true)],
        passes: true,
        debited: &[true, false, true],
    },
    Row {
        checks: &[(B, true), (A, true), (E, false)],
        passes: false,
        debited: &[false, false, false],
    },
    Row { checks: &[(A, true)], passes: true, debited: &[true] },
    Row { checks: &[(A, false)], passes: true, debited: &[false] },
    Row { checks: &[(A, false), (B, true)], passes: true, debited: &[false, true] },
];

fn table(subject: &Subject, op: Op) {
    let limit = limit_of(Algorithm::TokenBucket, 10, Micros::HOUR);
    for (number, row) in ROWS.iter().enumerate() {
        let keys: Vec<_> = (0..row.checks.len())
            .map(|i| subject.key(&format!("groups/{op:?}/{number}/{i}")))
            .collect();
        for (bytes, (_, room)) in keys.iter().zip(row.checks) {
            // Every counter exists already: what is new may go another way through a store.
            let used = if *room { 3 } else { 10 };
            subject.ask(NOW, bytes, &limit, &Ask::new(Op::Take, used)).unwrap();
        }
        let mut batch = Batch::new().at(NOW);
        let checks = keys.iter().zip(row.checks);
        batch.push(op, checks.map(|(bytes, (group, _))| Check::new(key(bytes), &limit, 5).in_group(*group)));
        subject.apply(&mut batch).unwrap();
        assert_eq!(batch.units()[0].passes, row.passes, "row {number}");
        for (place, (bytes, (_, room))) in keys.iter().zip(row.checks).enumerate() {
            let verdict = batch.checks(0)[place].verdict.unwrap();
            let expected = match (room, row.debited[place]) {
                (true, true) => 2,
                (true, false) => 7,
                (false, _) => 0,
            };
            assert_eq!(verdict.allowed, *room, "row {number}, check {place}: its own answer");
            assert_eq!(verdict.remaining, expected, "row {number}, check {place}");
            let after = subject.ask(NOW, bytes, &limit, &Ask::new(Op::Peek, 0)).unwrap();
            assert_eq!(after.remaining, expected, "row {number}, check {place}");
        }
    }
}

pub(crate) fn shadow_groups_are_debited_iff_all_pass(subject: &Subject) {
    table(subject, Op::Take);
}

pub(crate) fn shadow_groups_follow_partial_takes(subject: &Subject) {
    table(subject, Op::TakeUpTo);
    // What the enforced checks get is what a shadow group must have room for, and what it is debited.
    let limit = limit_of(Algorithm::TokenBucket, 10, Micros::HOUR);
    let keys = ["enforced", "shadow", "poor"].map(|name| subject.key(&format!("groups/share/{name}")));
    for (bytes, used) in keys.iter().zip([6, 1, 8]) {
        subject.ask(NOW, bytes, &limit, &Ask::new(Op::Take, used)).unwrap();
    }
    let mut batch = Batch::new().at(NOW);
    let checks = keys.iter().zip([E, A, B]);
    batch.push(
        Op::TakeUpTo,
        checks.map(|(bytes, group)| Check::new(key(bytes), &limit, 9).in_group(group)),
    );
    subject.apply(&mut batch).unwrap();
    let remaining: Vec<_> = batch.checks(0).iter().map(|check| check.verdict.unwrap().remaining).collect();
    assert_eq!(remaining, [0, 5, 2], "4 of 9 were granted");
}

pub(crate) fn random_batches_with_shadows_answer_like_step(subject: &Subject) {
    random_batches(subject, "shadows", 5, 2);
}
