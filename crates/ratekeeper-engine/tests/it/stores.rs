//! Rules over several stores: reserved in order, given back on a refusal.

use ratekeeper_core::Micros;
use ratekeeper_engine::{Request, RequestOp};

use crate::{Setup, lines, user_request};

const POLICY: &str = "
stores: { one: { type: memory }, two: { type: memory } }
rules:
  - { name: a, key: [user], limits: [9 per hour, 8 per day], store: one }
  - { name: b, key: [user], limits: [2 per hour], store: two }
  - { name: c, key: [user], limits: [1 per hour], store: one, mode: shadow }
  - { name: d, key: [user], limits: [7 per hour] }
";

#[test]
fn a_refusal_of_one_store_leaves_the_others_as_they_were() {
    let setup = Setup::new(POLICY);
    assert!(setup.user("alice").allowed());
    assert!(setup.user("alice").allowed());
    for _ in 0..3 {
        let refused = setup.user("alice");
        assert!(!refused.allowed());
        let expected = [
            ("a", 0, true, 7),
            ("a", 1, true, 6),
            ("b", 0, false, 0),
            ("c", 0, false, 0),
            ("d", 0, true, 5),
        ];
        assert_eq!(lines(&refused), expected);
    }
}

#[test]
fn many_threads_over_two_stores_admit_what_the_smaller_limit_admits() {
    let setup = Setup::new(POLICY);
    let admitted = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| (0..50).filter(|_| setup.user("alice").allowed()).count()))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum::<usize>()
    });
    assert!(admitted <= 2, "never beyond the envelope");
    let after = setup.user("alice");
    let left = lines(&after);
    assert_eq!(
        (left[0].3, left[1].3),
        (9 - admitted as u64, 8 - admitted as u64),
        "net of refunds, nothing is lost"
    );
}

#[test]
fn a_refused_partial_take_says_of_the_other_stores_what_is_true() {
    let rules = "stores: { one: { type: memory }, two: { type: memory } }
rules:
  - { name: a, key: [user], limits: [1 per hour], store: one }
  - { name: b, key: [user], limits: [20 per hour], store: two }";
    let setup = Setup::new(rules);
    assert!(setup.user("alice").allowed());
    let up_to = Request::new(user_request("alice")).costing(50).asking(RequestOp::TakeUpTo);
    let refused = setup.check(&up_to);
    let names: Vec<_> = refused.refusing().map(|limit| refused.rule(limit).name()).collect();
    assert_eq!(names, ["a"]);
    assert_eq!(refused.retry_after(), Some(Micros::HOUR));
}
