//! Requests of several parts.

use std::sync::Arc;

use ratekeeper_core::{Limit, Micros, Timestamp};
use ratekeeper_engine::{By, Decision, Denial, Engine, Outcome, Part, RequestOp};
use ratekeeper_policy::Attributes;
use ratekeeper_store::testkit::{Fault, Faulty};
use ratekeeper_store::{MemoryStore, StoreError};

use crate::{START, Setup, policy};

const POLICY: &str = "
rules:
  - { name: a, match: { domain: d, entries: [a] }, limits: 3 per minute (fixed_window) }
  - { name: b, match: { domain: d, entries: [b] }, limits: [5 per minute (fixed_window), 4 per hour (fixed_window)] }
  - { name: q, match: { domain: d, entries: [q] }, limits: 1 per minute (fixed_window), mode: quota }
  - { name: r, match: { domain: d, entries: [r] }, limits: 2 per hour (fixed_window), mode: quota }
  - { name: s, match: { domain: d, entries: [s] }, limits: 1 per minute (fixed_window), mode: shadow }
  - { name: free, match: { domain: d, entries: [free] }, limits: unlimited }
  - { name: none, match: { domain: d, entries: [none] }, limits: 0 per minute (fixed_window) }
";

fn part<'a>(entry: &'a [(&'a str, &'a str)], cost: u64, op: RequestOp) -> Part<'a> {
    Part {
        cost,
        op,
        ..Part::new(Attributes { domain: Some("d"), descriptors: entry, ..Attributes::default() })
    }
}

fn take<'a>(entry: &'a [(&'a str, &'a str)]) -> Part<'a> {
    part(entry, 1, RequestOp::Take)
}

fn ask(engine: &Engine, parts: &[Part<'_>], now: Timestamp) -> Outcome {
    engine.check_parts_now_under(&engine.current(), parts, Some(now)).unwrap()
}

/// For each limit, its part and what remains.
fn remaining(outcome: &Outcome) -> Vec<(usize, u64)> {
    outcome
        .limits
        .iter()
        .map(|limit| (limit.part, limit.verdict.unwrap().remaining))
        .collect()
}

const A: &[(&str, &str)] = &[("a", "1")];
const B: &[(&str, &str)] = &[("b", "1")];
const Q: &[(&str, &str)] = &[("q", "1")];
const R: &[(&str, &str)] = &[("r", "1")];

#[test]
fn all_parts_pass_or_none_does() {
    let engine = Setup::new(POLICY).engine;
    for left in [2, 1, 0] {
        let outcome = ask(&engine, &[take(B), take(A)], START);
        assert!(outcome.allowed());
        assert_eq!(remaining(&outcome), [(0, left + 2), (0, left + 1), (1, left)]);
    }
    let refused = ask(&engine, &[take(B), take(A)], START);
    assert_eq!(refused.decision, Decision::Deny(Denial::Limit));
    assert_eq!(refused.refusing().map(|limit| limit.part).collect::<Vec<_>>(), [1]);
    assert_eq!(remaining(&refused), [(0, 2), (0, 1), (1, 0)], "nothing was taken of the other");
}

#[test]
fn the_same_counter_is_counted_for_each_part() {
    let engine = Setup::new(POLICY).engine;
    let outcome = ask(&engine, &[take(A), take(B), part(A, 2, RequestOp::Take)], START);
    assert!(outcome.allowed());
    assert_eq!(remaining(&outcome), [(0, 0), (1, 4), (1, 3), (2, 0)]);
    let refused = ask(&engine, &[take(A), take(A), take(B)], START);
    assert!(!refused.allowed());
    assert_eq!(refused.refusing().map(|limit| limit.part).collect::<Vec<_>>(), [0, 1]);
    // A look does not count.
    let outcome = ask(&engine, &[part(B, 9, RequestOp::Peek), take(B)], START);
    assert_eq!(
        (outcome.allowed(), remaining(&outcome)[0], remaining(&outcome)[2]),
        (true, (0, 3), (1, 3))
    );
}

#[test]
fn looks_take_nothing_and_refunds_are_given_in_any_case() {
    let engine = Setup::new(POLICY).engine;
    assert!(ask(&engine, &[part(A, 3, RequestOp::Take)], START).allowed());
    let looked = ask(&engine, &[part(A, 1, RequestOp::Peek), take(B)], START);
    assert!(!looked.allowed(), "what is only looked at refuses too");
    let outcome = ask(&engine, &[part(A, 2, RequestOp::Refund), part(B, 99, RequestOp::Take)], START);
    assert!(!outcome.allowed());
    assert_eq!(remaining(&outcome)[0], (0, 2), "the refund was given although the rest was refused");
    let outcome = ask(&engine, &[part(A, 100, RequestOp::Refund)], START);
    assert_eq!((outcome.allowed(), remaining(&outcome)), (true, vec![(0, 3)]), "no more than there was");
}

#[test]
fn one_quota_that_is_left_is_enough() {
    let engine = Setup::new(POLICY).engine;
    assert!(ask(&engine, &[take(Q), take(R), take(A)], START).allowed());
    let one_left = ask(&engine, &[take(Q), take(R), take(A)], START);
    assert!(one_left.allowed());
    assert_eq!(one_left.refusing().count(), 0);
    let none_left = ask(&engine, &[take(Q), take(R), take(A)], START);
    assert_eq!(none_left.decision, Decision::Deny(Denial::Limit));
    assert_eq!(none_left.refusing().map(|limit| limit.part).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(remaining(&none_left), [(0, 0), (1, 0), (2, 1)], "the limit that passed got its cost back");
    assert_eq!(none_left.retry_after(), Some(Micros::MINUTE), "the sooner of the two quotas");
    assert!(ask(&engine, &[take(Q), take(R), take(A)], START + Micros::MINUTE).allowed());
    // Alone, a quota is a limit.
    assert!(!ask(&engine, &[take(Q)], START + Micros::MINUTE).allowed());
}

#[test]
fn what_is_unlimited_passes_and_a_limit_of_zero_does_not() {
    let engine = Setup::new(POLICY).engine;
    let outcome = ask(&engine, &[take(A), take(&[("free", "1")]), take(&[("unknown", "")])], START);
    assert!(outcome.allowed());
    assert_eq!(outcome.unlimited.to_vec(), [(1, 5)]);
    assert_eq!(outcome.limits.len(), 1);
    let refused = ask(&engine, &[take(&[("none", "1")])], START);
    assert_eq!((refused.allowed(), refused.retry_after()), (false, None));
}

#[test]
fn a_limit_that_is_brought_along_counts_by_itself() {
    let engine = Setup::new(POLICY).engine;
    let limit = Limit::fixed_window(2, Micros::MINUTE).unwrap();
    let own = Part { by: By::Limit(&limit), ..take(A) };
    for left in [1, 0] {
        let outcome = ask(&engine, &[own, take(A)], START);
        assert_eq!(remaining(&outcome), [(0, left), (1, left + 1)]);
        assert_eq!(outcome.rule(&outcome.limits[0]).name(), "(request)");
    }
    assert!(!ask(&engine, &[own], START).allowed());
    let by_rule = Part { by: By::Rule(0), ..take(&[("a", "1"), ("more", "than the rule is about")]) };
    assert_eq!(
        remaining(&ask(&engine, &[by_rule], START)),
        [(0, 0)],
        "the rule is asked, whatever it matches"
    );
}

#[test]
fn lists_decide_for_all_or_leave_a_part_alone() {
    let engine = Setup::new(
        "
lists: { allow: [{ descriptor: { user: root } }], deny: [{ descriptor: { user: mallory } }] }
rules: [{ name: user, match: { entries: [user] }, limits: 1 per minute (fixed_window) }]
",
    )
    .engine;
    let user = |name| [("user", name)];
    let (root, alice, mallory) = (user("root"), user("alice"), user("mallory"));
    assert!(ask(&engine, &[take(&root), take(&root)], START).listed().is_some());
    let outcome = ask(&engine, &[take(&root), take(&alice)], START);
    assert_eq!((outcome.listed().is_some(), remaining(&outcome)), (false, vec![(1, 0)]));
    let refused = ask(&engine, &[take(&root), take(&mallory)], START);
    assert_eq!(refused.decision, Decision::Deny(Denial::Listed));
}

#[test]
fn a_store_that_fails_is_told_of_by_every_part() {
    let store = Arc::new(Faulty::new(MemoryStore::default()));
    let source = POLICY.replace("match:", "on_store_error: deny, match:");
    let engine = Engine::builder(policy(&source)).only_store(Arc::clone(&store) as _).build().unwrap();
    store.break_down(Fault::Fail(StoreError::Timeout));
    let outcome = ask(&engine, &[take(B), take(A), part(A, 1, RequestOp::Refund)], START);
    assert_eq!(outcome.decision, Decision::Deny(Denial::StoreFailure));
    assert_eq!(outcome.limits.iter().map(|limit| limit.part).collect::<Vec<_>>(), [0, 0, 1, 2]);
}
