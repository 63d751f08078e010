//! Deciding about known keys allocates nothing. The counter counts for each thread apart.

use allocation_counter::measure;
use ratekeeper_core::{Ask, Key, Limit, Micros, Op};
use ratekeeper_store::{Batch, Check, MemoryStore, Store};

fn limits() -> [Limit; 4] {
    [
        Limit::token_bucket(1000, Micros::HOUR).unwrap(),
        Limit::fixed_window(1000, Micros::HOUR).unwrap(),
        Limit::sliding_window(1000, Micros::HOUR).unwrap(),
        Limit::leaky_queue(1000, Micros::HOUR, Micros::MINUTE).unwrap(),
    ]
}

const OPS: [Op; 4] = [Op::Take, Op::TakeUpTo, Op::Peek, Op::Charge];

#[test]
fn asking_known_keys_allocates_nothing() {
    let (store, limits) = (MemoryStore::default(), limits());
    let long = [b'k'; 250];
    for limit in &limits {
        for bytes in [&b"alice"[..], &long] {
            let key = Key::new(bytes).unwrap();
            store.ask_now(key, limit, &Ask::new(Op::Reset, 0)).unwrap();
            store.ask_now(key, limit, &Ask::new(Op::Take, 1)).unwrap();
            for op in OPS {
                let allocated = measure(|| assert!(store.ask_now(key, limit, &Ask::new(op, 1)).is_ok()));
                assert_eq!(allocated.count_total, 0, "{op:?} under {limit}");
            }
        }
    }
}

#[test]
fn applying_a_batch_of_known_keys_allocates_nothing() {
    let (store, limits) = (MemoryStore::default(), limits());
    for limit in &limits {
        let keys = ["first", "second"].map(|name| format!("{name}/{limit}"));
        let checks = |number: usize| {
            let keys = keys[..number].iter();
            keys.map(|name| Check::new(Key::new(name.as_bytes()).unwrap(), limit, 1))
        };
        let apply = |op, number| {
            let mut batch = Batch::new();
            batch.push(op, checks(number));
            let answer = store.apply(&mut batch).ready().expect("memory answers at once");
            answer.unwrap();
            assert!(batch.units()[0].passes);
        };
        apply(Op::Take, 2);
        for op in OPS {
            for number in [1, 2] {
                assert_eq!(measure(|| apply(op, number)).count_total, 0, "{op:?} of {number} under {limit}");
            }
        }
    }
}
