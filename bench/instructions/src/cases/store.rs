//! The memory store, asked for a unit.

use ratekeeper::{Batch, Check, Key, Limit, MemoryConfig, MemoryStore, Micros, Op, Store as _};

use crate::case::{Case, Operation};
use crate::clock::{clock, tick};

const KEYS: [&[u8]; 5] = [b"0:user:1", b"1:user:1", b"2:user:1", b"3:user:1", b"4:user:1"];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("store/unit_of_5/allowed", || unit_of_five(1_000_000)),
        Case::new("store/unit_of_5/denied", || unit_of_five(1)),
    ]
}

/// Five buckets at once, the last of which may give so many a second.
fn unit_of_five(last: u64) -> Operation {
    let clock = clock();
    let store = MemoryStore::with_clock(MemoryConfig::default(), clock.clone());
    let limit = |count| Limit::token_bucket(count, Micros::SECOND).expect("a limit");
    let limits = [1_000_000, 1_000_001, 1_000_002, 1_000_003, last].map(limit);
    Box::new(move || {
        tick(&clock);
        let checks = KEYS.iter().zip(&limits);
        let mut batch = Batch::new();
        batch.push(
            Op::Take,
            checks.map(|(key, limit)| Check::new(Key::new(key).expect("a short key"), limit, 1)),
        );
        store.apply(&mut batch).ready().expect("memory answers at once").expect("no error");
        std::hint::black_box(batch.units()[0].passes);
    })
}
