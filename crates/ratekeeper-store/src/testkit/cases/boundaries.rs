//! The largest and smallest numbers there are, and one more.

use ratekeeper_core::{
    Algorithm, Ask, Key, Limit, MAX_COUNT, MAX_EXACT, MAX_LOG, MAX_SPAN, Micros, Op, Timestamp,
};

use crate::testkit::Subject;
use crate::testkit::random::{START, limit_of};
use crate::testkit::truth::{Truth, compare};
use crate::{Batch, Check};

fn extreme_limits() -> Vec<Limit> {
    let mut limits = Vec::new();
    for algorithm in Algorithm::ALL {
        let most = if *algorithm == Algorithm::SlidingLog {
            MAX_LOG
        } else {
            MAX_COUNT
        };
        for count in [1, 2, most - 1, most] {
            for window in [1, 2, MAX_SPAN.get() - 1, MAX_SPAN.get()] {
                limits.push(limit_of(*algorithm, count, Micros::new(window)));
            }
        }
    }
    let bursts: Vec<_> = limits
        .iter()
        .flat_map(|limit| [1, MAX_COUNT].map(|b| limit.clone().with_burst(b)))
        .collect();
    limits.extend(bursts.into_iter().flatten());
    limits
}

fn costs(limit: &Limit) -> [u64; 9] {
    let most = limit.largest_cost();
    [
        0,
        1,
        most / 2,
        most.saturating_sub(1),
        most,
        most + 1,
        MAX_EXACT,
        1 << 63,
        u64::MAX,
    ]
}

/// Each op with each extreme cost at each of these instants, under each extreme limit.
fn everything_at(subject: &Subject, name: &str, instants: &[Timestamp]) {
    for (number, limit) in extreme_limits().iter().enumerate() {
        // A calendar ends where the years end.
        if limit.algorithm() == Algorithm::CalendarWindow && instants.contains(&Timestamp::MAX) {
            continue;
        }
        for op in [Op::Take, Op::TakeUpTo, Op::Charge] {
            let bytes = subject.key(&format!("{name}/{number}/{op:?}"));
            let mut truth = Truth::default();
            for now in instants {
                let mut batch = Batch::new().at(*now);
                let ops = |cost| [(op, cost), (Op::Peek, cost), (Op::Refund, cost / 2)];
                for (op, cost) in costs(limit).into_iter().flat_map(ops) {
                    let check = Check::new(Key::new(&bytes).unwrap(), limit, cost);
                    let exists = ratekeeper_core::step::validate(limit, &Ask::new(op, cost)).is_ok();
                    if exists {
                        batch.push(op, [check]);
                    }
                }
                compare(subject, &mut truth, &mut batch);
            }
        }
    }
}

pub(crate) fn the_largest_numbers_are_exact(subject: &Subject) {
    let start = Timestamp::from_micros(START);
    everything_at(subject, "largest", &[start, start + Micros::new(1), start + MAX_SPAN]);
}

pub(crate) fn the_last_instant_is_exact(subject: &Subject) {
    let last = Timestamp::MAX;
    everything_at(subject, "last", &[last.before(Micros::new(1)), last, last]);
}

/// A log of as many entries as one may have, and one more.
pub(crate) fn the_longest_log_is_kept(subject: &Subject) {
    let most = subject.times(MAX_LOG as usize) as u64;
    let limit = limit_of(Algorithm::SlidingLog, most, MAX_SPAN);
    let bytes = subject.key("longest log");
    // One a microsecond: at the same instant they would be one entry.
    let at = |micros| Timestamp::from_micros(START + micros);
    for taken in 0..most {
        let verdict = subject.ask(at(taken), &bytes, &limit, &Ask::new(Op::Take, 1)).unwrap();
        assert_eq!((verdict.allowed, verdict.remaining), (true, most - taken - 1));
    }
    let refused = subject.ask(at(most), &bytes, &limit, &Ask::new(Op::Take, 1)).unwrap();
    assert_eq!((refused.allowed, refused.retry_after), (false, Some(Micros::new(MAX_SPAN.get() - most))));
    assert_eq!(refused.reset_after, Micros::new(MAX_SPAN.get() - 1));
}
