//! The engine over real stores: one binary, a module for each promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod allocations;
mod alone;
mod clock;
mod dumps;
mod failure;
mod lists;
mod operators;
mod parts;
mod reservations;
mod shadow;
mod stores;
mod swap;

use std::sync::Arc;

use ratekeeper_core::{Micros, Timestamp};
use ratekeeper_engine::{Engine, Outcome, Request, Secret};
use ratekeeper_policy::{Attributes, Policy};
use ratekeeper_store::ManualClock;
use ratekeeper_store::testkit::block_on;

/// An instant that every test starts at: the beginning of a minute, an hour and a UTC day.
const START: Timestamp = Timestamp::from_micros(1_764_028_800_000_000);

fn policy(rules: &str) -> Policy {
    Policy::parse(rules, "policy.yaml", &|_| None).unwrap_or_else(|errors| panic!("{errors}"))
}

/// An engine with its stores in memory, on a clock that stands still.
struct Setup {
    engine: Engine,
    clock: Arc<ManualClock>,
}

impl Setup {
    fn new(rules: &str) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let builder = Engine::builder(policy(rules)).clock(Arc::clone(&clock) as _);
        Self { engine: builder.secret(Secret::new([7; 32])).build().unwrap(), clock }
    }

    fn user(&self, user: &str) -> Outcome {
        self.check(&Request::new(user_request(user)))
    }

    fn check(&self, request: &Request<'_>) -> Outcome {
        self.engine.check_now(request).expect("memory answers at once")
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Micros::from_secs(seconds));
    }
}

fn user_request(user: &str) -> Attributes<'_> {
    Attributes { user: Some(user), method: Some("GET"), path: Some("/x"), ..Attributes::default() }
}

/// `(rule, limit, allowed, remaining)` of every limit.
fn lines(outcome: &Outcome) -> Vec<(&str, usize, bool, u64)> {
    let line = |limit| {
        let limit: &ratekeeper_engine::LimitOutcome = limit;
        let remaining = limit.verdict.map_or(u64::MAX, |verdict| verdict.remaining);
        (outcome.rule(limit).name(), limit.ordinal, limit.allowed, remaining)
    };
    outcome.limits.iter().map(line).collect()
}

#[test]
fn all_limits_of_all_rules_are_one_batch_and_every_refusing_one_is_named() {
    let setup = Setup::new(
        "rules:
          - { name: a, key: [user], limits: [2 per minute, 10 per hour] }
          - { name: b, key: [user], limits: [2 per day] }
          - { name: c, limits: [100 per minute] }",
    );
    assert!(setup.user("alice").allowed());
    assert!(setup.user("alice").allowed());
    for _ in 0..3 {
        let refused = setup.user("alice");
        assert_eq!(
            lines(&refused),
            [
                ("a", 0, false, 0),
                ("a", 1, true, 8),
                ("b", 0, false, 0),
                ("c", 0, true, 98)
            ]
        );
        let names: Vec<_> = refused.refusing().map(|limit| refused.rule(limit).name()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(refused.retry_after(), Some(Micros::from_secs(43_200)), "the longest wait of all");
        assert_eq!(refused.granted, 0);
    }
    assert_eq!(lines(&setup.user("bob"))[3], ("c", 0, true, 97), "refusals cost nobody anything");
}

#[test]
fn waiting_retry_after_passes_and_a_microsecond_less_does_not() {
    let setup = Setup::new("rules: [{ name: a, key: [user], limits: [7 per 3s, 20 per minute] }]");
    while setup.user("alice").allowed() {}
    for _ in 0..40 {
        let wait = setup.user("alice").retry_after().unwrap();
        setup.clock.advance(Micros::new(wait.get() - 1));
        assert!(!setup.user("alice").allowed());
        setup.clock.advance(Micros::new(1));
        assert!(setup.user("alice").allowed());
    }
}

#[test]
fn a_partial_take_gets_what_every_enforced_limit_has_left() {
    let setup = Setup::new("rules: [{ name: a, key: [user], limits: [10 per minute, 7 per hour] }]");
    let up_to = |cost| {
        let request = Request::new(user_request("alice"))
            .costing(cost)
            .asking(ratekeeper_engine::RequestOp::TakeUpTo);
        setup.check(&request)
    };
    assert_eq!(up_to(4).granted, 4);
    assert_eq!(up_to(9).granted, 3);
    let refused = up_to(1);
    assert!(!refused.allowed());
    assert_eq!(refused.granted, 0);
    assert_eq!(lines(&refused)[0].3, 3, "the first limit has paid for seven only");
}

#[test]
fn a_route_that_costs_nothing_leaves_the_other_rules_their_cost() {
    let setup = Setup::new(
        "rules:
          - { name: free, key: [user], limits: [1 per hour], cost: { \"GET /x\": 0 } }
          - { name: paid, key: [user], limits: [9 per hour] }
          - { name: slots, limits: [2 concurrent ttl 60s] }",
    );
    let reserved = block_on(setup.engine.reserve(&Request::new(user_request("alice")).costing(3)));
    assert_eq!(
        lines(&reserved.outcome),
        [("free", 0, true, 1), ("paid", 0, true, 6), ("slots", 0, true, 1)]
    );
    assert_eq!(reserved.outcome.granted, 3);
    block_on(setup.engine.commit(&reserved.handle.unwrap(), 5)).unwrap();
    let up_to = Request::new(user_request("alice"))
        .costing(9)
        .asking(ratekeeper_engine::RequestOp::TakeUpTo);
    let partial = setup.check(&up_to);
    assert_eq!(
        (partial.granted, lines(&partial)[1].3),
        (1, 3),
        "the free rule has one unit for a partial take"
    );
    assert_eq!(lines(&partial)[2], ("slots", 0, true, 1));
}

#[test]
fn a_queue_delays_and_a_peek_takes_nothing() {
    let setup = Setup::new(
        "rules: [{ name: a, key: [user], limits: [{ rate: 1 per second, algorithm: leaky_bucket, max_delay: 2s }] }]",
    );
    let peek =
        || setup.check(&Request::new(user_request("alice")).asking(ratekeeper_engine::RequestOp::Peek));
    assert!(peek().allowed());
    let delays: Vec<_> = (0..4).map(|_| setup.user("alice").decision).collect();
    use ratekeeper_engine::{Decision, Denial};
    assert_eq!(
        delays,
        [
            Decision::Allow,
            Decision::Delay(Micros::SECOND),
            Decision::Delay(Micros::from_secs(2)),
            Decision::Deny(Denial::Limit)
        ]
    );
    assert!(!peek().allowed());
}

#[test]
fn routes_cost_what_the_policy_says_and_a_missing_key_does_what_it_says() {
    let setup = Setup::new(
        "rules:
          - { name: a, key: [user], limits: [10 per hour], cost: { \"GET /x\": 4 } }
          - { name: b, key: [\"header:x-key\"], limits: [1 per hour], missing: deny, match: { path: /keyed } }",
    );
    assert_eq!(lines(&setup.user("alice")), [("a", 0, true, 6)]);
    assert_eq!(lines(&setup.user("alice")), [("a", 0, true, 2)]);
    assert!(!setup.user("alice").allowed());
    let keyless = Attributes { user: Some("bob"), path: Some("/keyed"), ..Attributes::default() };
    let outcome = setup.check(&Request::new(keyless));
    assert_eq!(outcome.decision, ratekeeper_engine::Decision::Deny(ratekeeper_engine::Denial::MissingKey));
    assert_eq!(outcome.missing_key.as_slice(), [1]);
    assert_eq!(lines(&outcome), [("a", 0, true, 10)], "nothing was taken");
    assert_eq!(outcome.retry_after(), None);
}

#[test]
fn a_held_slot_is_released_once_and_expires_by_itself() {
    let setup = Setup::new("rules: [{ name: a, limits: [2 concurrent ttl 30s] }]");
    let (first, second) = (setup.user("alice"), setup.user("bob"));
    assert!(first.allowed() && second.allowed());
    assert!(!setup.user("carol").allowed());
    block_on(setup.engine.release(&first)).unwrap();
    block_on(setup.engine.release(&first)).unwrap();
    assert!(setup.user("carol").allowed());
    assert!(!setup.user("dave").allowed(), "one release freed one slot");
    setup.advance(30);
    assert!(setup.user("dave").allowed());
}
