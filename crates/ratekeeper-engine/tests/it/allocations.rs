//! Deciding a request in this process allocates nothing.

use allocation_counter::measure;
use ratekeeper_engine::Request;
use ratekeeper_policy::Attributes;

use crate::Setup;

const POLICY: &str = "
lists: { deny: [ { user: mallory } ] }
rules:
  - { name: per-client, key: [ip], limits: [ 3 per minute burst 2, 100 per day ] }
  - name: api
    match: { methods: [GET], path: '/api/{*rest}', host: '*.example.com', headers: { accept: '*' } }
    key: [user]
    limits: [ { rate: 50 per minute, algorithm: sliding_window } ]
    cost: { 'GET /api/reports': 2 }
    rollout: 100%
";

#[test]
fn allowing_and_refusing_a_known_subject_allocate_nothing() {
    let setup = Setup::new(POLICY);
    let request = Request::new(Attributes {
        ip: Some("203.0.113.7".parse().unwrap()),
        user: Some("alice"),
        method: Some("GET"),
        path: Some("/api/reports"),
        host: Some("api.example.com"),
        headers: &[("Accept", "text/html")],
        ..Attributes::default()
    });
    // The first request of a subject makes its counters.
    assert!(setup.check(&request).allowed());
    let mut answers = Vec::with_capacity(4);
    let allocated = measure(|| {
        for _ in 0..4 {
            answers.push(setup.check(&request).allowed());
        }
    });
    assert_eq!(answers, [true, false, false, false]);
    assert_eq!(allocated.count_total, 0, "{allocated:?}");
}
