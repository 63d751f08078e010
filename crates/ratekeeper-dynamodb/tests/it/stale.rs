//! Stores that know of the counters what others have changed since: they decide as one store would.

use ratekeeper_core::{Key, Limit, Micros, Op, Timestamp};
use ratekeeper_dynamodb::DynamoDbStore;
use ratekeeper_store::{Batch, Check, MemoryStore, Store};

use crate::common::{NOW, runtime, store};

const TABLE: &str = "stale";
const KEYS: usize = 2;
const ROUNDS: u64 = 12;
const STEPS: usize = 40;

/// Numbers that look random, and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

fn limits() -> [Limit; 5] {
    let window = Micros::new(10_000_000);
    [
        Limit::token_bucket(10, window).unwrap(),
        Limit::token_bucket(14, window).unwrap(),
        Limit::fixed_window(10, window).unwrap(),
        Limit::fixed_window(12, window).unwrap(),
        Limit::sliding_window(10, window).unwrap(),
    ]
}

/// One or two units of one or two checks, nearly always takes, mostly under the limits of the round.
fn batch<'b>(
    numbers: &mut Numbers,
    keys: &'b [Vec<u8>],
    limits: &'b [Limit],
    usual: &[usize],
    now: Timestamp,
) -> Batch<'b> {
    let mut batch = Batch::new().at(now);
    for _ in 0..=numbers.below(2) {
        let first = numbers.below(KEYS as u64) as usize;
        let both = numbers.below(3) == 0;
        let places = (0..KEYS).filter(|place| both || *place == first);
        let checks: Vec<_> = places
            .map(|place| {
                let other = numbers.below(limits.len() as u64) as usize;
                let limit = if numbers.below(8) == 0 {
                    other
                } else {
                    usual[place]
                };
                let op = numbers.pick(&[Op::Take, Op::Take, Op::Take, Op::TakeUpTo, Op::Peek, Op::Refund]);
                let check = Check::new(Key::new(&keys[place]).unwrap(), &limits[limit], numbers.below(5));
                check.with_op(op)
            })
            .collect();
        batch.push(Op::Take, checks);
    }
    batch
}

#[test]
fn stores_that_know_old_states_decide_as_one_store_would() {
    let limits = limits();
    for round in 1..=ROUNDS {
        let stores: Vec<DynamoDbStore> = (0..3).map(|_| store(TABLE)).collect();
        let (memory, mut numbers) =
            (MemoryStore::default(), Numbers(round.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let keys: Vec<Vec<u8>> = (0..KEYS).map(|key| format!("{round} {key}").into_bytes()).collect();
        let usual: Vec<usize> = (0..KEYS).map(|_| numbers.below(limits.len() as u64) as usize).collect();
        let mut now = NOW;
        for step in 0..STEPS {
            // At times long enough for all to be idle, at times back.
            now = match numbers.below(8) {
                0 => now + Micros::new(numbers.below(25_000_000)),
                1 => now.before(Micros::new(numbers.below(3_000_000))),
                _ => now + Micros::new(numbers.below(700_000)),
            };
            let mut asked = batch(&mut numbers, &keys, &limits, &usual, now);
            let mut expected = asked.clone();
            memory.apply(&mut expected).ready().unwrap().unwrap();
            let store = &stores[numbers.below(3) as usize];
            runtime().block_on(store.apply(&mut asked).wait()).unwrap();
            assert_same(&asked, &expected, &format!("round {round}, step {step}"));
        }
    }
}

fn assert_same(asked: &Batch<'_>, expected: &Batch<'_>, place: &str) {
    for unit in 0..expected.units().len() {
        assert_eq!(asked.units()[unit].passes, expected.units()[unit].passes, "{place}: {asked:#?}");
        for (check, expected) in asked.checks(unit).iter().zip(expected.checks(unit)) {
            assert_eq!(check.verdict, expected.verdict, "{place}: {asked:#?}");
        }
    }
}

/// Each step is that of one of two stores, so many seconds after the start.
fn two_stores_decide_as_one(name: &str, limit: &Limit, steps: &[(usize, u64, Op, u64)]) {
    let (stores, memory) = ([store(TABLE), store(TABLE)], MemoryStore::default());
    for (index, (number, seconds, op, cost)) in steps.iter().enumerate() {
        let mut asked = Batch::new().at(NOW + Micros::from_secs(*seconds));
        asked.push(*op, [Check::new(Key::new(name.as_bytes()).unwrap(), limit, *cost)]);
        let mut expected = asked.clone();
        memory.apply(&mut expected).ready().unwrap().unwrap();
        runtime().block_on(stores[*number].apply(&mut asked).wait()).unwrap();
        assert_same(&asked, &expected, &format!("{name}, step {index}"));
    }
}

#[test]
fn a_bucket_that_others_have_refilled_is_not_debited_in_the_past() {
    let steps = [
        (0, 0, Op::Take, 10),
        (1, 0, Op::Refund, 10),
        (0, 5, Op::Take, 3),
        (1, 5, Op::Peek, 0),
    ];
    two_stores_decide_as_one("refilled", &limits()[0], &steps);
}

#[test]
fn a_window_that_others_have_set_back_is_not_debited_in_the_past() {
    let steps = [
        (0, 10, Op::Take, 4),
        (1, 10, Op::Reset, 0),
        (1, 0, Op::Take, 2),
        (0, 10, Op::Take, 3),
        (1, 10, Op::Peek, 0),
    ];
    two_stores_decide_as_one("set back", &limits()[2], &steps);
}
