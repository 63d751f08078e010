//! Deciding a request in this process allocates nothing.

use std::pin::pin;
use std::task::{Context, Waker};

use allocation_counter::measure;
use ratekeeper_engine::{Request, RequestOp};
use ratekeeper_policy::Attributes;

use crate::Setup;

/// What every test asks.
fn request() -> Request<'static> {
    Request::new(Attributes {
        ip: Some("203.0.113.7".parse().unwrap()),
        user: Some("alice"),
        method: Some("GET"),
        path: Some("/api/reports"),
        host: Some("api.example.com"),
        headers: &[
            ("Accept", "text/html"),
            ("X-Key", "a key that is longer than the ones that stand in keys as they are"),
        ],
        domain: Some("d"),
        descriptors: &[("tenant", "acme"), ("tier", "gold")],
        ..Attributes::default()
    })
}

/// Whether these requests were allowed, after a first one that makes the counters; none of them allocates.
fn allowed<const TIMES: usize>(rules: &str, op: RequestOp) -> [bool; TIMES] {
    let setup = Setup::new(rules);
    let request = request().asking(op);
    setup.check(&request);
    let mut answers = [false; TIMES];
    let allocated = measure(|| answers = std::array::from_fn(|_| setup.check(&request).allowed()));
    assert_eq!(allocated.count_total, 0, "{rules}: {allocated:?}");
    let allocated = measure(|| {
        let ready = pin!(setup.engine.check(&request)).poll(&mut Context::from_waker(Waker::noop()));
        assert!(ready.is_ready());
    });
    assert_eq!(allocated.count_total, 0, "{rules}, asynchronously: {allocated:?}");
    answers
}

#[test]
fn every_algorithm_whose_state_needs_no_list() {
    for limit in [
        "3 per minute",
        "3 per minute burst 3",
        "{ rate: 3 per minute, algorithm: leaky_bucket }",
        "3 per minute (fixed_window)",
        "3 per minute (sliding_window)",
        "'3 per day (calendar, Europe/Paris)'",
    ] {
        let rules = format!("rules: [{{ name: a, key: [ip], limits: [ {limit} ] }}]");
        assert_eq!(allowed(&rules, RequestOp::Take), [true, true, false, false], "{limit}");
        assert_eq!(allowed(&rules, RequestOp::Peek), [true; 4], "{limit}");
        assert_eq!(allowed(&rules, RequestOp::Charge), [true; 4], "{limit}");
        assert_eq!(allowed(&rules, RequestOp::TakeUpTo), [true, true, false, false], "{limit}");
    }
    let queue =
        "rules: [{ name: a, limits: [ { rate: 1 per minute, algorithm: leaky_bucket, max_delay: 2m } ] }]";
    assert_eq!(allowed(queue, RequestOp::Take), [true, true, false]);
}

#[test]
fn every_part_of_a_key() {
    for part in [
        "ip",
        "ip/56",
        "user",
        "method",
        "path",
        "route",
        "host",
        "\"header:x-key\"",
        "\"descriptor:tenant\"",
        "{ header: x-key, secret: true }",
        "ip, user, host, path, \"header:x-key\"",
    ] {
        let rules =
            format!("rules: [{{ name: a, key: [{part}], missing: shared, limits: [ 2 per minute ] }}]");
        assert_eq!(allowed(&rules, RequestOp::Take), [true, false], "{part}");
    }
}

#[test]
fn rules_of_every_kind() {
    let rules = "
lists: { deny: [ { user: mallory }, { ip: 192.0.2.0/24 } ] }
rules:
  - { name: per-client, key: [ip], limits: [ 3 per minute burst 3, 100 per day ] }
  - name: api
    match: { methods: [GET], path: '/api/{*rest}', host: '*.example.com', headers: { accept: '*' } }
    key: [user]
    limits: [ { rate: 50 per minute, algorithm: sliding_window } ]
    cost: { 'GET /api/reports': 2 }
    rollout: 100%
";
    assert_eq!(allowed(rules, RequestOp::Take), [true, true, false, false]);
    let shadow = "
rules:
  - { name: real, key: [ip], limits: [ 3 per minute ] }
  - { name: shade, key: [user], limits: [ 2 per minute ], mode: shadow }
";
    assert_eq!(allowed(shadow, RequestOp::Take), [true, true, false, false]);
    let overridden = "
rules:
  - name: a
    key: [user]
    limits: [ 1 per minute ]
    overrides: [ { user: alice, limits: [ 3 per minute ] } ]
";
    assert_eq!(allowed(overridden, RequestOp::Take), [true, true, false, false]);
    let entries = "rules: [{ name: a, match: { domain: d, entries: [tenant, tier] }, limits: 3 per minute }]";
    assert_eq!(allowed(entries, RequestOp::Take), [true, true, false, false]);
    assert_eq!(allowed("rules: [{ name: a, limits: unlimited }]", RequestOp::Take), [true]);
    assert_eq!(
        allowed("rules: [{ name: a, match: { user: bob }, limits: 1 per minute }]", RequestOp::Take),
        [true]
    );
    let missing = "rules: [{ name: a, key: ['header:x-none'], missing: deny, limits: 1 per minute }]";
    assert_eq!(allowed(missing, RequestOp::Take), [false]);
}

#[test]
fn whole_requests_of_a_policy_of_a_thousand_rules() {
    let mut rules = String::from("rules:\n");
    for number in 0..1000 {
        let meets = if number == 700 {
            "path: '/api/{*rest}'".to_owned()
        } else {
            format!("user: u{number}")
        };
        rules.push_str(&format!(
            "  - {{ name: r{number}, match: {{ {meets} }}, key: [ip], limits: 3 per minute }}\n"
        ));
    }
    assert_eq!(allowed(&rules, RequestOp::Take), [true, true, false, false]);
}

#[test]
fn requests_on_a_list() {
    let listed = |list: &str| {
        format!(
            "lists: {{ {list}: [ {{ ip: 203.0.113.0/24, reason: why }} ] }}\nrules: [{{ name: a, limits: 1/s }}]"
        )
    };
    assert_eq!(allowed(&listed("deny"), RequestOp::Take), [false, false]);
    assert_eq!(allowed(&listed("allow"), RequestOp::Take), [true, true]);
}
