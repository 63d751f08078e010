//! Small histories of many threads: some order of their units, in which none overtakes one that was answered before it
//! was asked, gives every answer that was seen.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Barrier, Mutex};
use std::thread;

use ratekeeper_core::{Algorithm, Holder, Limit, Micros, Op, Timestamp, Verdict};

use super::units::key;
use crate::testkit::Subject;
use crate::testkit::random::{Rng, START, limit_of};
use crate::testkit::truth::Truth;
use crate::{Batch, Check};

const NOW: Timestamp = Timestamp::from_micros(START + 3);
const THREADS: usize = 4;
const UNITS: usize = 4;

/// A unit: what was asked between which ticks of a common counter, and what was answered.
struct Event {
    asked: u64,
    answered: u64,
    op: Op,
    holder: Holder,
    /// By the index of the counter.
    costs: Vec<(usize, u64)>,
    answer: (bool, Vec<Verdict>),
}

struct Counter {
    bytes: Vec<u8>,
    limit: Limit,
}

impl Event {
    fn checks<'c>(counters: &'c [Counter], costs: &[(usize, u64)]) -> Vec<Check<'c>> {
        let check = |(index, cost): &(usize, u64)| {
            Check::new(key(&counters[*index].bytes), &counters[*index].limit, *cost)
        };
        costs.iter().map(check).collect()
    }

    fn observe(subject: &Subject, counters: &[Counter], ticks: &AtomicU64, rng: &mut Rng) -> Self {
        let first = rng.below(counters.len() as u64) as usize;
        let several = rng.once_in(2);
        let indices = (0..counters.len()).filter(|index| several || *index == first);
        let costs: Vec<_> = indices.map(|index| (index, 1 + rng.below(4))).collect();
        let op = rng.pick(&[Op::Take, Op::Take, Op::Take, Op::TakeUpTo, Op::Peek, Op::Reset]);
        let holder = Holder::new(u128::from(rng.below(u64::MAX)));
        let mut batch = Batch::new().at(NOW);
        batch.push_by(op, holder, Self::checks(counters, &costs));
        let asked = ticks.fetch_add(1, SeqCst);
        subject.apply(&mut batch).unwrap();
        let answered = ticks.fetch_add(1, SeqCst);
        let verdicts = batch.checks(0).iter().map(|check| check.verdict.unwrap()).collect();
        Self { asked, answered, op, holder, costs, answer: (batch.units()[0].passes, verdicts) }
    }
}

/// Whether the rest of the histories, from `next` of each thread on, can have happened after `truth`.
fn explains(counters: &[Counter], truth: &Truth, histories: &[Vec<Event>], next: &mut [usize]) -> bool {
    let heads = || histories.iter().zip(&*next).map(|(history, next)| history.get(*next));
    // Whatever comes next was asked before any of the others was answered.
    let Some(first_answer) = heads().flatten().map(|event| event.answered).min() else {
        return true;
    };
    let candidates: Vec<usize> = heads()
        .enumerate()
        .filter_map(|(thread, event)| event.filter(|event| event.asked < first_answer).map(|_| thread))
        .collect();
    for thread in candidates {
        let event = &histories[thread][next[thread]];
        let mut after = truth.clone();
        let checks = Event::checks(counters, &event.costs);
        if after.decide(NOW, (event.op, event.holder), &checks).unwrap() == event.answer {
            next[thread] += 1;
            if explains(counters, &after, histories, next) {
                return true;
            }
            next[thread] -= 1;
        }
    }
    false
}

pub(crate) fn small_histories_are_linearizable(subject: &Subject) {
    for round in 0..subject.times(60) {
        let mut rng = Rng::named("histories", round);
        let counters: Vec<Counter> = (0..2)
            .map(|index| {
                let algorithm = rng.pick(Algorithm::ALL);
                let limit = limit_of(algorithm, 3 + rng.below(12), Micros::DAY);
                Counter { bytes: subject.key(&format!("history/{round}/{index}")), limit }
            })
            .collect();
        let (ticks, barrier) = (AtomicU64::new(0), Barrier::new(THREADS));
        let histories: Vec<Mutex<Vec<Event>>> = (0..THREADS).map(|_| Mutex::default()).collect();
        thread::scope(|scope| {
            for (number, history) in histories.iter().enumerate() {
                let (counters, ticks, barrier) = (&counters, &ticks, &barrier);
                let mut rng = Rng::named("history", round * THREADS + number);
                scope.spawn(move || {
                    barrier.wait();
                    for _ in 0..UNITS {
                        let event = Event::observe(subject, counters, ticks, &mut rng);
                        history.lock().unwrap().push(event);
                    }
                });
            }
        });
        let histories: Vec<_> = histories.into_iter().map(|history| history.into_inner().unwrap()).collect();
        let possible = explains(&counters, &Truth::default(), &histories, &mut [0; THREADS]);
        assert!(possible, "no order of these units gives their answers: round {round}");
    }
}
