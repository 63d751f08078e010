//! What operators see and do, and charges after the fact.

use ratekeeper_engine::{EngineError, Operation, Request, RequestOp};
use ratekeeper_policy::Attributes;
use ratekeeper_store::testkit::block_on;

use crate::{Setup, lines, user_request};

const RULES: &str = "rules:
  - { name: login, match: { path: /login }, key: [user], limits: [5 per minute, 100 per day] }
  - { name: slots, key: [user], limits: [2 concurrent ttl 60s] }
  - { name: queue, match: { path: /q }, key: [user], limits: [ { rate: 1 per second, algorithm: leaky_bucket, max_delay: 2s } ] }";

fn operate(setup: &Setup, rule: &str, operation: Operation) -> Vec<(bool, u64)> {
    let alice = Attributes { user: Some("alice"), ..Attributes::default() };
    let counters = block_on(setup.engine.operate(rule, &alice, operation)).unwrap();
    let line = |limit: &ratekeeper_engine::LimitOutcome| (limit.allowed, limit.verdict.unwrap().remaining);
    counters.limits.iter().map(line).collect()
}

fn login(setup: &Setup) -> bool {
    let request = Attributes { path: Some("/login"), ..user_request("alice") };
    setup.check(&Request::new(request)).allowed()
}

#[test]
fn a_subject_is_inspected_charged_refunded_and_reset() {
    let setup = Setup::new(RULES);
    assert_eq!(operate(&setup, "login", Operation::Inspect), [(true, 5), (true, 100)]);
    assert!(login(&setup));
    assert_eq!(
        operate(&setup, "login", Operation::Inspect),
        [(true, 4), (true, 99)],
        "looking takes nothing"
    );
    assert_eq!(operate(&setup, "login", Operation::Charge(7)), [(false, 0), (true, 92)], "into debt");
    assert!(!login(&setup));
    assert_eq!(operate(&setup, "login", Operation::Refund(5)), [(true, 2), (true, 97)]);
    assert_eq!(operate(&setup, "login", Operation::Reset), [(true, 5), (true, 100)]);
    assert!(login(&setup));
}

#[test]
fn what_cannot_be_credited_or_charged_is_left_alone() {
    let setup = Setup::new(RULES);
    let held = setup.user("alice");
    assert_eq!(operate(&setup, "slots", Operation::Charge(2)), [(true, 1)]);
    assert_eq!(operate(&setup, "slots", Operation::Refund(2)), [(true, 1)]);
    assert_eq!(operate(&setup, "slots", Operation::Reset), [(true, 2)]);
    assert_eq!(operate(&setup, "queue", Operation::Refund(1)).len(), 1);
    drop(held);
}

#[test]
fn a_subject_must_be_named_fully() {
    let setup = Setup::new(RULES);
    let nobody = Attributes::default();
    let unnamed = block_on(setup.engine.operate("login", &nobody, Operation::Inspect)).unwrap_err();
    assert_eq!(
        unnamed.to_string(),
        "rule login: user is missing; a subject is named by all parts of the rule's key"
    );
    let unknown = block_on(setup.engine.operate("logout", &nobody, Operation::Reset)).unwrap_err();
    assert!(matches!(unknown, EngineError::RuleUnknown { .. }), "{unknown}");
}

#[test]
fn a_charge_never_refuses_and_holds_nothing() {
    let setup = Setup::new(
        "rules:
          - { name: failures, key: [user], limits: [2 per minute] }
          - { name: slots, key: [user], limits: [1 concurrent ttl 60s] }",
    );
    let full = setup.user("alice");
    assert!(full.allowed() && !setup.user("alice").allowed());
    let charge = Request::new(user_request("alice")).asking(RequestOp::Charge).costing(3);
    let charged = setup.check(&charge);
    assert!(charged.allowed());
    assert_eq!((charged.granted, lines(&charged)[0].3), (3, 0));
    block_on(setup.engine.release(&full)).unwrap();
    let refused = setup.user("alice");
    let names: Vec<_> = refused.refusing().map(|limit| refused.rule(limit).name()).collect();
    assert_eq!(names, ["failures"], "the debt refuses, the slot is free");
}

#[test]
fn a_slot_is_released_by_its_handle_from_anywhere() {
    let setup = Setup::new(
        "rules:
          - { name: rate, key: [user], limits: [10 per minute] }
          - { name: slots, key: [user], limits: [1 concurrent ttl 60s] }",
    );
    let held = setup.user("alice");
    let handle = setup.engine.handle(&held).expect("something is held");
    assert!(!setup.user("alice").allowed());
    for _ in 0..2 {
        block_on(setup.engine.release_handle(&handle)).unwrap();
    }
    let next = setup.user("alice");
    assert_eq!(lines(&next)[0].3, 8, "what the rate took stays spent");
    assert_eq!(lines(&next)[1].3, 0);
    let foreign = block_on(setup.engine.release_handle("abc")).unwrap_err();
    assert!(matches!(foreign, EngineError::ForeignHandle));
    let nothing = setup.engine.handle(&setup.user("alice"));
    assert_eq!(nothing, None, "a refused request holds nothing");
}

#[test]
fn what_was_looked_at_decides() {
    let setup = Setup::new("rules: [{ name: a, key: [user], limits: [1 per minute] }]");
    let before = setup.engine.current();
    setup
        .engine
        .swap(crate::policy("rules: [{ name: b, key: [user], limits: [9 per minute] }]"))
        .unwrap();
    assert!(before.answers_at_once() && !before.uses_headers());
    let request = Request::new(user_request("alice"));
    let outcome = setup.engine.check_now_under(&before, &request).unwrap();
    assert_eq!(lines(&outcome), [("a", 0, true, 0)]);
    assert_eq!(lines(&setup.user("alice")), [("b", 0, true, 8)]);
}
