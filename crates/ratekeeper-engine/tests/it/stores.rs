//! Rules over several stores: reserved in order, given back on a refusal.

use crate::{Setup, lines};

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
