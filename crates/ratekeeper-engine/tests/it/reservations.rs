//! Reserve now, settle exactly once when the cost is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ratekeeper_core::Micros;
use ratekeeper_engine::{Engine, EngineError, Request, Secret, Settlement};
use ratekeeper_store::testkit::block_on;
use ratekeeper_store::{ManualClock, MemoryConfig, MemoryStore, Store};

use crate::{START, Setup, lines, policy, user_request};

const POLICY: &str = "
stores: { two: { type: memory } }
rules:
  - { name: bucket, key: [user], limits: [1000 per hour] }
  - { name: window, key: [user], limits: [ '1000 per day (fixed_window)', '1000 per day (sliding_log)' ], store: two, cost: 2 }
  - { name: shade, key: [user], limits: [500 per hour], mode: shadow }
  - { name: slots, key: [user], limits: [1 concurrent ttl 60s] }
";

fn remaining(setup: &Setup) -> Vec<u64> {
    let peek = Request::new(user_request("alice")).asking(ratekeeper_engine::RequestOp::Peek);
    lines(&setup.check(&peek)).into_iter().map(|line| line.3).collect()
}

fn reserve(setup: &Setup, estimate: u64) -> String {
    let reserved = block_on(setup.engine.reserve(&Request::new(user_request("alice")).costing(estimate)));
    assert!(reserved.outcome.allowed());
    reserved.handle.expect("an allowed reservation has a handle")
}

fn commit(setup: &Setup, handle: &str, actual: u64) -> Settlement {
    block_on(setup.engine.commit(handle, actual)).unwrap()
}

#[test]
fn what_was_not_used_comes_back_and_what_was_used_beyond_is_charged() {
    let setup = Setup::new(POLICY);
    let handle = reserve(&setup, 100);
    assert_eq!(
        remaining(&setup),
        [900, 800, 800, 400, 0],
        "a slot is held by the request, whatever it costs"
    );
    assert_eq!(commit(&setup, &handle, 30), Settlement::Settled);
    assert_eq!(remaining(&setup), [970, 940, 940, 470, 1]);
    let handle = reserve(&setup, 30);
    commit(&setup, &handle, 0);
    assert_eq!(remaining(&setup), [970, 940, 940, 470, 1]);
    setup.advance(3600 * 24);
    let handle = reserve(&setup, 1);
    assert_eq!(commit(&setup, &handle, 301), Settlement::Settled);
    assert_eq!(remaining(&setup), [699, 398, 398, 199, 1], "the slot is released, the rest charged");
    let handle = reserve(&setup, 1);
    commit(&setup, &handle, 5000);
    assert_eq!(remaining(&setup), [0, 0, 0, 0, 1], "a charge may go into debt");
    assert!(!setup.user("alice").allowed());
}

#[test]
fn repeating_a_commit_changes_nothing_however_many_do_it_at_once() {
    let setup = Setup::new(POLICY);
    let handle = reserve(&setup, 1);
    let settled = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let now = commit(&setup, &handle, 101) == Settlement::Settled;
                    settled.fetch_add(u64::from(now), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(remaining(&setup), [899, 798, 798, 399, 1]);
    // Two stores settle one after the other: two threads may each have settled one of them.
    assert!((1..=2).contains(&settled.into_inner()));
}

#[test]
fn a_reservation_that_is_never_settled_stays_spent_and_one_that_is_late_too() {
    let setup = Setup::new(POLICY);
    let handle = reserve(&setup, 1);
    setup.advance(3601);
    let late = block_on(setup.engine.commit(&handle, 0)).unwrap_err();
    assert!(matches!(late, EngineError::Expired { micros: 1_000_000 }), "{late}");
    assert_eq!(remaining(&setup)[1], 998, "the day's window still counts it");
}

#[test]
fn time_that_has_given_back_is_not_given_back_again() {
    let setup = Setup::new("rules: [{ name: a, key: [user], limits: [60 per minute] }]");
    let handle = reserve(&setup, 60);
    setup.advance(45);
    assert_eq!(remaining(&setup), [45]);
    commit(&setup, &handle, 0);
    assert_eq!(remaining(&setup), [60]);
    let handle = reserve(&setup, 10);
    setup.advance(30);
    assert!(setup.user("alice").allowed());
    commit(&setup, &handle, 0);
    assert_eq!(remaining(&setup), [59], "the later request is still paid for");
}

#[test]
fn a_handle_works_on_another_engine_with_the_secret_and_after_a_reload() {
    let setup = Setup::new(POLICY);
    let handle = reserve(&setup, 1);
    setup.engine.swap(policy(&POLICY.replace("1000 per hour", "2000 per hour"))).unwrap();
    assert_eq!(commit(&setup, &handle, 0), Settlement::Settled);
    let left = remaining(&setup);
    assert!(left[0] < 2000, "what was taken under another limit stays spent");
    assert_eq!(left[1..], [1000, 1000, 500, 1]);
}

#[test]
fn an_old_handle_does_not_undo_a_change_of_the_limit() {
    let setup = Setup::new("rules: [{ name: a, key: [user], limits: [100 per hour] }]");
    let (back, more) = (reserve(&setup, 10), reserve(&setup, 10));
    let window = "rules: [{ name: a, key: [user], limits: ['100 per hour (fixed_window)'] }]";
    setup.engine.swap(policy(window)).unwrap();
    let used = setup.check(&Request::new(user_request("alice")).costing(100));
    assert!(used.allowed());
    assert_eq!(commit(&setup, &back, 0), Settlement::Settled);
    assert_eq!(remaining(&setup), [0], "the window still counts");
    assert_eq!(commit(&setup, &more, 30), Settlement::Settled);
    assert_eq!(remaining(&setup), [0]);
}

#[test]
fn a_store_that_forgets_settles_nothing_rather_than_twice() {
    let rules = "stores: { default: { type: memory, max_keys: 10, overflow: evict } }
rules: [{ name: a, key: [user], limits: [1000 per day] }]";
    let setup = Setup::new(rules);
    let handle = reserve(&setup, 100);
    let error = block_on(setup.engine.commit(&handle, 0)).unwrap_err();
    assert!(matches!(error, EngineError::Forgetful { .. }), "{error}");
    assert_eq!(remaining(&setup), [900]);
}

#[test]
fn a_store_that_is_gone_keeps_nobody_from_settling_the_others() {
    let rules = |first: &str| {
        format!(
            "stores: {{ s: {{ type: memory }}, t: {{ type: memory }} }}
rules: [ {first} {{ name: b, key: [user], store: t, limits: [1000 per day, 1 concurrent ttl 60s] }} ]"
        )
    };
    let setup = Setup::new(&rules("{ name: a, key: [user], store: s, limits: [1000 per day] },"));
    let reserved = block_on(setup.engine.reserve(&Request::new(user_request("alice")).costing(100)));
    setup.engine.swap(policy(&rules("").replace("s: { type: memory }, ", ""))).unwrap();
    let error = block_on(setup.engine.commit(reserved.handle.as_ref().unwrap(), 0)).unwrap_err();
    assert!(matches!(error, EngineError::StoreUnknown { .. }), "{error}");
    assert_eq!(remaining(&setup), [1000, 1]);
}

/// Two engines over the same stores with the same secret, as two nodes of a service are.
fn two_nodes(rules: &str) -> [Setup; 2] {
    let clock = Arc::new(ManualClock::new(START));
    let config = MemoryConfig::default();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(config, Arc::clone(&clock) as _));
    [60, 3600].map(|seconds| {
        let builder = Engine::builder(policy(rules))
            .clock(Arc::clone(&clock) as _)
            .only_store(Arc::clone(&store));
        let builder = builder.secret(Secret::new([7; 32])).reservation_ttl(Micros::from_secs(seconds));
        Setup { engine: builder.build().unwrap(), clock: Arc::clone(&clock) }
    })
}

#[test]
fn nodes_settle_each_others_reservations_once_whatever_their_own_ttl() {
    let [short, long] =
        two_nodes("rules: [{ name: a, key: [user], limits: ['1000 per day (sliding_log)'] }]");
    let (first, second) = (reserve(&short, 100), reserve(&long, 100));
    assert_eq!(commit(&long, &first, 0), Settlement::Settled);
    assert_eq!(commit(&short, &second, 10), Settlement::Settled, "two nodes never make the same marker");
    assert_eq!(remaining(&long), [990]);
    long.advance(3599);
    assert_eq!(commit(&short, &second, 0), Settlement::Repeated);
    assert_eq!(remaining(&short), [990]);
}

#[test]
fn nodes_never_share_a_holder() {
    let [one, two] = two_nodes("rules: [{ name: a, limits: [2 concurrent ttl 60s] }]");
    assert!(one.user("alice").allowed() && two.user("bob").allowed());
    assert!(!one.user("carol").allowed() && !two.user("dave").allowed());
}

#[test]
fn handles_that_are_not_ours_are_refused() {
    let setup = Setup::new(POLICY);
    let handle = reserve(&setup, 1);
    assert!(handle.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    let mut forgeries = vec![
        String::new(),
        "x".into(),
        "AAAA".repeat(20),
        handle[1..].into(),
        format!("{handle}A"),
    ];
    for place in 0..handle.len() {
        let mut forged = handle.clone().into_bytes();
        forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
        forgeries.push(String::from_utf8(forged).unwrap());
    }
    for forged in forgeries {
        let error = block_on(setup.engine.commit(&forged, 0)).unwrap_err();
        assert!(matches!(error, EngineError::ForeignHandle), "{forged}: {error}");
    }
    assert_eq!(commit(&setup, &handle, 0), Settlement::Settled, "forgeries did no harm");
}

#[test]
fn a_refused_reservation_has_no_handle() {
    let setup = Setup::new("rules: [{ name: a, key: [user], limits: [5 per hour] }]");
    let reserved = block_on(setup.engine.reserve(&Request::new(user_request("alice")).costing(6)));
    assert!(!reserved.outcome.allowed());
    assert_eq!(reserved.handle, None);
    assert_eq!(remaining(&setup), [5]);
}
