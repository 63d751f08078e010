//! A store that fails: every rule decides by its own failure policy, and no other rule is skipped.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use ratekeeper_core::Micros;
use ratekeeper_engine::{Decision, Degraded, Denial, Engine, Outcome, Request};
use ratekeeper_store::testkit::{Fault, Faulty, block_on};
use ratekeeper_store::{ManualClock, MemoryConfig, MemoryStore, StoreError};

use crate::{START, policy, user_request};

struct Failing {
    engine: Engine,
    store: Arc<Faulty<MemoryStore>>,
}

fn failing(rules: &str) -> Failing {
    let clock = Arc::new(ManualClock::new(START));
    let memory = MemoryStore::with_clock(MemoryConfig::default(), Arc::clone(&clock) as _);
    let store = Arc::new(Faulty::new(memory));
    let source = format!("stores: {{ far: {{ type: memory }} }}\nrules: {rules}");
    let builder = Engine::builder(policy(&source)).clock(clock).store("far", Arc::clone(&store) as _);
    Failing { engine: builder.build().unwrap(), store }
}

impl Failing {
    fn user(&self, user: &str) -> Outcome {
        self.engine.check_now(&Request::new(user_request(user))).unwrap()
    }
}

#[test]
fn local_counts_in_this_process_at_its_share() {
    let setup = failing("[{ name: a, key: [user], limits: [8 per minute], store: far, local_share: 1/4 }]");
    assert!(setup.user("alice").allowed());
    setup.store.break_down(Fault::Fail(StoreError::Timeout));
    for _ in 0..2 {
        let outcome = setup.user("alice");
        assert!(outcome.allowed());
        assert_eq!(outcome.limits[0].degraded, Some(Degraded::Local));
        assert!(outcome.degraded());
    }
    let refused = setup.user("alice");
    assert_eq!(
        refused.decision,
        Decision::Deny(Denial::Limit),
        "a slow store never makes the service unlimited"
    );
    assert!(setup.user("bob").allowed());
    setup.store.heal();
    let healed = setup.user("alice");
    assert!(!healed.degraded());
    assert_eq!(healed.limits[0].verdict.unwrap().remaining, 6);
}

#[test]
fn allow_allows_and_deny_denies_and_neither_skips_the_others() {
    let setup = failing(
        "[{ name: near, key: [user], limits: [2 per minute] },
          { name: open, key: [user], limits: [1 per hour], store: far, on_store_error: allow }]",
    );
    setup.store.break_down(Fault::Fail(StoreError::Timeout));
    for _ in 0..2 {
        let outcome = setup.user("alice");
        assert!(outcome.allowed());
        assert_eq!(outcome.limits[1].degraded, Some(Degraded::Allowed));
        assert_eq!(outcome.limits[1].verdict, None);
    }
    assert!(!setup.user("alice").allowed(), "the rule of the healthy store still counts");

    let setup = failing(
        "[{ name: near, key: [user], limits: [2 per minute] },
          { name: shut, key: [user], limits: [9 per hour], store: far, on_store_error: deny },
          { name: spare, key: [user], limits: [5 per hour], store: far }]",
    );
    setup.store.break_down(Fault::Fail(StoreError::Timeout));
    for _ in 0..3 {
        let outcome = setup.user("alice");
        assert_eq!(outcome.decision, Decision::Deny(Denial::StoreFailure));
        assert_eq!(outcome.retry_after(), Some(Micros::SECOND), "not at once");
        assert_eq!(outcome.limits[1].degraded, Some(Degraded::Denied));
        assert_eq!(
            outcome.limits[0].verdict.unwrap().remaining,
            2,
            "what the healthy store took was given back"
        );
        assert_eq!(outcome.limits[2].verdict.unwrap().remaining, 5, "nothing was taken locally");
    }
    setup.store.heal();
    assert!(setup.user("alice").allowed());
}

#[test]
fn a_failing_store_with_shadow_rules_alone_refuses_nobody() {
    let setup = failing(
        "[{ name: shade, key: [user], limits: [1 per hour], store: far, mode: shadow, on_store_error: deny }]",
    );
    setup.store.break_down(Fault::Fail(StoreError::Timeout));
    assert!(setup.user("alice").allowed());
    assert!(setup.user("alice").allowed());
}

const ONE_SLOT: &str = "[{ name: a, limits: [1 concurrent ttl 1h], store: far }]";

#[test]
fn a_slot_that_a_failing_store_gave_all_the_same_is_released_with_the_request() {
    let setup = failing(ONE_SLOT);
    setup.store.on_call(0, Fault::FailAfter(StoreError::Timeout));
    let outcome = setup.user("alice");
    assert!(outcome.allowed() && outcome.degraded());
    assert!(!setup.user("bob").allowed(), "the store has it");
    block_on(setup.engine.release(&outcome)).unwrap();
    let next = setup.user("bob");
    assert!(next.allowed() && !next.degraded());
}

#[test]
fn a_slot_that_a_failing_store_gave_all_the_same_is_released_by_a_refusal() {
    let setup = failing(
        "[{ name: near, key: [user], limits: [1 per hour] },
          { name: a, limits: [1 concurrent ttl 1h], store: far, on_store_error: deny }]",
    );
    setup.store.on_call(0, Fault::FailAfter(StoreError::Timeout));
    assert_eq!(setup.user("alice").decision, Decision::Deny(Denial::StoreFailure));
    assert!(setup.user("bob").allowed());
}

#[test]
fn who_gives_up_again_and_again_fills_no_limit() {
    let setup = failing("[{ name: a, limits: [3 concurrent ttl 1h], store: far }]");
    for call in 0..3 {
        // A release comes before each take but the first.
        setup.store.on_call(2 * call, Fault::SilenceAfter);
        let request = Request::new(user_request("mallory"));
        let mut check = pin!(setup.engine.check(&request));
        assert!(check.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let three: Vec<_> = (0..3).map(|_| setup.user("alice")).collect();
    assert!(three.iter().all(Outcome::allowed), "the next ones freed what nobody holds");
    assert!(!setup.user("alice").allowed());
}
