//! Our algorithms against each other.

use std::sync::Arc;

use ratekeeper::{Calendar, Limit, Limiter, Micros, Period};

use crate::case::Case;
use crate::keys::{keys, uniform};
use crate::options::Options;
use crate::parts::checks::{UNIT, turn};
use crate::results::Results;
use crate::rounds;
use crate::subject::Subject;
use crate::subjects::ratekeeper::limiter_of;
use crate::table::Table;
use crate::work::Work;

const BASE: &str = "token_bucket";
/// So few that a log of every key stays small.
const KEYS: usize = 100_000;

/// Each algorithm at so much a minute. A log may not be that long: it is asked for as much as it may hold a millisecond.
fn limits(count: u64) -> Vec<(&'static str, Limit)> {
    let minute = Micros::MINUTE;
    let log = if count == 1 {
        (1, minute)
    } else {
        (10_000, Micros::new(1000))
    };
    let calendar = Calendar::new(Period::Day, "UTC").expect("a calendar");
    let made = [
        (BASE, Limit::token_bucket(count, minute)),
        ("leaky_bucket", Limit::leaky_bucket(count, minute)),
        ("leaky_queue", Limit::leaky_queue(count, minute, minute)),
        ("fixed_window", Limit::fixed_window(count, minute)),
        ("calendar_window", Limit::calendar_window(count, calendar)),
        ("sliding_window", Limit::sliding_window(count, minute)),
        ("sliding_log", Limit::sliding_log(log.0, log.1)),
        ("concurrency, taken and given back", Limit::concurrency(count.min(10_000), minute)),
    ];
    made.into_iter().map(|(name, limit)| (name, limit.expect("a limit"))).collect()
}

/// A slot of a concurrency limit is taken and given back.
struct Slots(Limiter);

impl Subject for Slots {
    fn check(&self, key: &String) -> bool {
        self.0.acquire(key).expect("the key is short").is_ok()
    }

    fn take(&self, key: &String, _: u32) -> bool {
        Subject::check(self, key)
    }
}

pub fn run(options: &Options, results: &mut Results) {
    let few = Arc::new(keys(2, options.seed));
    let many = Arc::new(keys(KEYS, options.seed));
    let uniform = Work::over(&many, &uniform(KEYS, options.seed), 1);
    let tables = [
        ("algorithms-hot", "Algorithms: one hot key, allowed", Work::hot(&few, 1), 1 << 40),
        ("algorithms-denied", "Algorithms: one hot key, denied", Work::hot(&few, 1), 1),
        ("algorithms-many", "Algorithms: 100,000 keys, allowed", uniform, 1 << 40),
    ];
    for (name, title, work, count) in tables {
        let cases: Vec<(_, Box<dyn Case>)> = limits(count)
            .into_iter()
            // A slot that is given back is there for the next one: nothing is denied.
            .filter(|(name, _)| count > 1 || !name.starts_with("concurrency"))
            .map(|(name, limit)| (name, made(name, limit)))
            .collect();
        for (name, case) in &cases {
            case.fill(&work);
            // A queue lets one wait besides the one that passes.
            case.run(&work, 2);
            let admitted = case.run(&work, 1000).admitted;
            assert_eq!(admitted, if count == 1 { 0 } else { 1000 }, "{name}");
        }
        let contenders = cases.iter().map(|(name, case)| turn(options, name, case.as_ref(), &work)).collect();
        let rows = rounds::run(contenders, options.rounds, BASE);
        results.add(Table::new(name, title, UNIT, Some(BASE), rows));
    }
}

fn made(name: &str, limit: Limit) -> Box<dyn Case> {
    let limiter = limiter_of(limit, KEYS);
    if name.starts_with("concurrency") {
        return Box::new(Slots(limiter));
    }
    Box::new(limiter)
}
