//! Many threads, and never more than the limits allow.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use ratekeeper_core::model::envelope;
use ratekeeper_core::{Algorithm, Ask, Holder, Limit, Micros, Op, Timestamp, Verdict};

use super::units::key;
use crate::testkit::Subject;
use crate::testkit::random::{Rng, START, limit_of, one_of_each};
use crate::{Batch, Check, Clock, StoreError, SystemClock};

const NOW: Timestamp = Timestamp::from_micros(START + 5);
/// How often one call may fail because of others at the same key before it is a finding.
const PATIENCE: usize = 1000;

/// Runs `work` on all threads at once, with the number of each.
fn at_once(threads: usize, work: impl Fn(usize) + Sync) {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        for number in 0..threads {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(number);
            });
        }
    });
}

/// Tries until the store answers: optimistic ones may give up under contention.
fn insist<T>(mut ask: impl FnMut() -> Result<T, StoreError>) -> T {
    for _ in 0..PATIENCE {
        match ask() {
            Ok(answer) => return answer,
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
        thread::yield_now();
    }
    panic!("no answer in {PATIENCE} tries");
}

fn ask(subject: &Subject, bytes: &[u8], limit: &Limit, ask: Ask) -> Verdict {
    insist(|| subject.ask(NOW, bytes, limit, &ask))
}

pub(crate) fn many_threads_get_exactly_what_there_is(subject: &Subject) {
    let holder = AtomicU64::new(1);
    for limit in one_of_each(subject.threads() as u64 * 3 + 1, Micros::DAY) {
        let bytes = subject.key(&format!("exactly/{}", limit.algorithm()));
        let admitted = AtomicU64::new(0);
        at_once(subject.threads(), |_| {
            for _ in 0..subject.times(8).max(5) {
                let take = Ask::new(Op::Take, 1).by(Holder::new(u128::from(holder.fetch_add(1, SeqCst))));
                admitted.fetch_add(u64::from(ask(subject, &bytes, &limit, take).allowed), SeqCst);
            }
        });
        assert_eq!(admitted.into_inner(), limit.largest_cost(), "{limit}");
    }
}

pub(crate) fn partial_takes_share_exactly_what_there_is(subject: &Subject) {
    let holder = AtomicU64::new(1);
    for limit in one_of_each(997, Micros::DAY) {
        let bytes = subject.key(&format!("shared out/{}", limit.algorithm()));
        let granted = AtomicU64::new(0);
        at_once(subject.threads(), |number| {
            let mut rng = Rng::new(number as u64);
            for _ in 0..subject.threads().max(1000).div_ceil(subject.threads()) {
                let take = Ask::new(Op::TakeUpTo, 1 + rng.below(7));
                let take = take.by(Holder::new(u128::from(holder.fetch_add(1, SeqCst))));
                granted.fetch_add(ask(subject, &bytes, &limit, take).granted, SeqCst);
            }
        });
        assert_eq!(granted.into_inner(), limit.largest_cost(), "{limit}");
    }
}

pub(crate) fn refused_units_spend_nothing_under_contention(subject: &Subject) {
    let limits = [100, 50, 20].map(|count| limit_of(Algorithm::FixedWindow, count, Micros::DAY));
    let keys = ["first", "second", "third"].map(|name| subject.key(&format!("contended/{name}")));
    let passed = AtomicU64::new(0);
    at_once(subject.threads(), |_| {
        for _ in 0..subject.times(20).max(5) {
            let passes = insist(|| {
                let mut batch = Batch::new().at(NOW);
                let checks = keys.iter().zip(&limits);
                batch.push(Op::Take, checks.map(|(bytes, limit)| Check::new(key(bytes), limit, 1)));
                subject.apply(&mut batch).map(|()| batch.units()[0].passes)
            });
            passed.fetch_add(u64::from(passes), SeqCst);
        }
    });
    assert_eq!(passed.into_inner(), 20);
    for (bytes, (limit, expected)) in keys.iter().zip(limits.iter().zip([80, 30, 0])) {
        let left = ask(subject, bytes, limit, Ask::new(Op::Peek, 0)).remaining;
        assert_eq!(left, expected, "what the third refused the others kept");
    }
}

/// Units over some of a few keys, in any order: whoever locks must not wait in a circle, and nothing is lost.
pub(crate) fn overlapping_units_neither_block_nor_lose(subject: &Subject) {
    let limit = limit_of(Algorithm::TokenBucket, 1 << 40, Micros::new(1 << 49));
    let keys: Vec<_> = (0..6).map(|i| subject.key(&format!("overlapping/{i}"))).collect();
    let debits: Vec<_> = (0..keys.len()).map(|_| AtomicU64::new(0)).collect();
    at_once(subject.threads(), |number| {
        let mut rng = Rng::new(number as u64 + 1000);
        for _ in 0..subject.times(40) {
            let mut order: Vec<usize> = (0..keys.len()).collect();
            for place in (1..order.len()).rev() {
                order.swap(place, rng.below(place as u64 + 1) as usize);
            }
            order.truncate(2 + rng.below(4) as usize);
            let cost = 1 + rng.below(9);
            let passes = insist(|| {
                let mut batch = Batch::new().at(NOW);
                batch.push(Op::Take, order.iter().map(|i| Check::new(key(&keys[*i]), &limit, cost)));
                subject.apply(&mut batch).map(|()| batch.units()[0].passes)
            });
            for index in order.into_iter().filter(|_| passes) {
                debits[index].fetch_add(cost, SeqCst);
            }
        }
    });
    for (bytes, debit) in keys.iter().zip(debits) {
        let left = ask(subject, bytes, &limit, Ask::new(Op::Peek, 0)).remaining;
        assert_eq!(left, (1 << 40) - debit.into_inner(), "the sum of what was admitted");
    }
}

pub(crate) fn takes_and_refunds_balance(subject: &Subject) {
    for algorithm in [
        Algorithm::TokenBucket,
        Algorithm::FixedWindow,
        Algorithm::SlidingLog,
    ] {
        let limit = limit_of(algorithm, 40, Micros::DAY);
        let bytes = subject.key(&format!("balance/{algorithm}"));
        let kept = AtomicU64::new(0);
        at_once(subject.threads(), |number| {
            let mut rng = Rng::new(number as u64 + 77);
            for _ in 0..subject.times(20) {
                let taken = ask(subject, &bytes, &limit, Ask::new(Op::Take, 1 + rng.below(5)));
                let Some(token) = taken.token else { continue };
                if rng.once_in(30) {
                    kept.fetch_add(taken.granted, SeqCst);
                } else {
                    ask(subject, &bytes, &limit, Ask::new(Op::Refund, taken.granted).with_token(token));
                }
            }
        });
        let left = ask(subject, &bytes, &limit, Ask::new(Op::Peek, 0)).remaining;
        assert_eq!(left, 40 - kept.into_inner(), "{limit}");
    }
}

pub(crate) fn never_more_hold_than_may(subject: &Subject) {
    let limit = limit_of(Algorithm::Concurrency, 5, Micros::DAY);
    let bytes = subject.key("holders");
    let (holding, admitted) = (AtomicU64::new(0), AtomicU64::new(0));
    let holder = AtomicU64::new(1);
    at_once(subject.threads(), |_| {
        for _ in 0..subject.times(30) {
            let id = Holder::new(u128::from(holder.fetch_add(1, SeqCst)));
            let taken = ask(subject, &bytes, &limit, Ask::new(Op::Take, 1).by(id));
            let Some(token) = taken.token else { continue };
            assert!(holding.fetch_add(1, SeqCst) < 5, "more than 5 hold at once");
            admitted.fetch_add(1, SeqCst);
            thread::yield_now();
            holding.fetch_sub(1, SeqCst);
            ask(subject, &bytes, &limit, Ask::new(Op::Refund, 1).by(id).with_token(token));
        }
    });
    assert!(admitted.into_inner() > 0);
    assert_eq!(ask(subject, &bytes, &limit, Ask::new(Op::Peek, 0)).remaining, 5, "all were released");
}

/// On the store's own clock: what is admitted while some time passes is within the envelopes that cover that time.
pub(crate) fn the_envelope_holds_on_the_own_clock(subject: &Subject) {
    let holder = AtomicU64::new(1);
    for limit in one_of_each(100, Micros::new(200_000)) {
        if matches!(limit.algorithm(), Algorithm::Concurrency) {
            continue;
        }
        let bytes = subject.key(&format!("own clock/{}", limit.algorithm()));
        let clock = SystemClock::new();
        let (start, admitted, delays) = (clock.now(), AtomicU64::new(0), AtomicU64::new(0));
        at_once(subject.threads(), |_| {
            for _ in 0..subject.times(20) {
                let take = Ask::new(Op::Take, 1).by(Holder::new(u128::from(holder.fetch_add(1, SeqCst))));
                let verdict = insist(|| subject.ask(None, &bytes, &limit, &take));
                admitted.fetch_add(u64::from(verdict.allowed), SeqCst);
                delays.fetch_max(verdict.delay.map_or(0, Micros::get), SeqCst);
            }
        });
        // Who queues is admitted at the end of the delay; clocks may be drawn by one part in a thousand.
        let elapsed = clock.now().since(start).get() + delays.into_inner();
        let envelope = envelope(&limit, 1);
        let spans = (elapsed + elapsed / 1000 + 1000).div_ceil(envelope.span.get());
        let (admitted, most) = (u128::from(admitted.into_inner()), envelope.most * u128::from(spans));
        assert!(admitted > 0 && admitted <= most, "{admitted} of {most} in {elapsed} us under {limit}");
    }
}
