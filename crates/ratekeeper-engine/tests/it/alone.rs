//! A request that one store answers alone is decided in a shorter way; it comes to the same.

use std::sync::Arc;

use proptest::prelude::*;
use ratekeeper_core::Micros;
use ratekeeper_engine::{Engine, LimitOutcome, Outcome, Request, RequestOp};
use ratekeeper_store::testkit::{Fault, Faulty, block_on};
use ratekeeper_store::{ManualClock, MemoryConfig, MemoryStore, StoreError};

use crate::{START, policy, user_request};

const RULES: [&str; 12] = [
    "key: [user], limits: [3 per minute, 5 per hour]",
    "key: [user], limits: [2 per minute], mode: shadow",
    "limits: [4 per minute burst 6], mode: shadow",
    "key: [ip], limits: [1 per minute]",
    "key: [ip], limits: [1 per minute], missing: deny",
    "limits: unlimited",
    "key: [user], limits: [2 per minute], mode: quota",
    "key: [user], limits: [2 concurrent ttl 30s]",
    "limits: [{ rate: 1 per second, algorithm: leaky_bucket, max_delay: 2s }]",
    "key: [user], limits: [4 per minute], store: far",
    "key: [user], limits: [4 per minute], store: far, on_store_error: deny",
    "limits: [9 per minute (sliding_window)], cost: { \"GET /x\": 2 }",
];
const OPS: [RequestOp; 5] = [
    RequestOp::Take,
    RequestOp::TakeUpTo,
    RequestOp::Peek,
    RequestOp::Charge,
    RequestOp::Refund,
];

struct Side {
    engine: Engine,
    store: Arc<Faulty<MemoryStore>>,
}

impl Side {
    fn new(rules: &[&str], clock: &Arc<ManualClock>) -> Self {
        let lines = rules
            .iter()
            .enumerate()
            .map(|(place, rule)| format!("\n  - {{ name: r{place}, {rule} }}"));
        let source = format!(
            "stores: {{ default: {{ type: memory, max_keys: 1000 }}, far: {{ type: memory }} }}\nrules: {}",
            lines.collect::<String>()
        );
        // Small ones: each case makes them anew.
        let config = MemoryConfig { max_keys: 1000, ..MemoryConfig::default() };
        let memory = MemoryStore::with_clock(config, Arc::clone(clock) as _);
        let store = Arc::new(Faulty::new(memory));
        let builder = Engine::builder(policy(&source)).clock(Arc::clone(clock) as _);
        Self { engine: builder.store("far", Arc::clone(&store) as _).build().unwrap(), store }
    }
}

/// All that an outcome says, but for who holds what.
fn said(outcome: &Outcome) -> impl PartialEq + std::fmt::Debug {
    let line = |line: &LimitOutcome| {
        let verdict = line.verdict.map(|mut verdict| {
            verdict.token = None;
            verdict
        });
        let of = (line.part, line.rule, line.ordinal, line.mode, line.limit.clone());
        (of, line.cost, line.allowed, verdict, line.degraded)
    };
    (
        outcome.decision,
        outcome.limits.iter().map(line).collect::<Vec<_>>(),
        (outcome.missing_key.to_vec(), outcome.unlimited.to_vec()),
        (outcome.granted, outcome.retry_after(), outcome.decided_at()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_come_to_the_same(
        rules in prop::collection::vec(prop::sample::select(&RULES[..]), 1..5),
        asked in prop::collection::vec(
            (0_usize..2, 0_u64..4, prop::sample::select(&OPS[..]), 0_u64..40, any::<bool>(), any::<bool>()), 1..40,
        ),
    ) {
        let clock = Arc::new(ManualClock::new(START));
        let (short, long) = (Side::new(&rules, &clock), Side::new(&rules, &clock));
        for (user, cost, op, later, fails, waits) in asked {
            clock.advance(Micros::from_secs(later));
            for side in [&short, &long] {
                if fails {
                    side.store.break_down(Fault::Fail(StoreError::Timeout));
                } else {
                    side.store.heal();
                }
            }
            let request = Request::new(user_request(["alice", "bob"][user])).costing(cost).asking(op);
            let one = if waits {
                block_on(short.engine.check(&request))
            } else {
                short.engine.check_now(&request).unwrap()
            };
            // What can be settled later needs all the books.
            let other = block_on(long.engine.reserve(&request)).outcome;
            prop_assert_eq!(said(&one), said(&other));
        }
    }
}

#[test]
fn a_store_that_fails_is_asked_once() {
    let clock = Arc::new(ManualClock::new(START));
    let side = Side::new(&["limits: [9 per hour], store: far, on_store_error: allow"], &clock);
    let request = Request::new(user_request("alice"));
    side.store.break_down(Fault::FailAfter(StoreError::Timeout));
    assert!(side.engine.check_now(&request).unwrap().degraded());
    assert!(block_on(side.engine.check(&request)).degraded());
    side.store.heal();
    let remaining = side.engine.check_now(&request).unwrap().limits[0].verdict.unwrap().remaining;
    assert_eq!(remaining, 9 - 3, "each of them was counted once");
}
