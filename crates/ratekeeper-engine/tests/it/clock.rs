//! A request reads the clock once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ratekeeper_core::Timestamp;
use ratekeeper_engine::{Engine, Request};
use ratekeeper_store::Clock;
use ratekeeper_store::testkit::block_on;

use crate::{START, policy, user_request};

/// A clock that counts how often it is read.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Clock for Counting {
    fn now(&self) -> Timestamp {
        self.0.fetch_add(1, Ordering::Relaxed);
        START
    }
}

#[test]
fn the_engine_and_its_stores_share_one_reading() {
    let clock = Arc::new(Counting::default());
    let rules = "stores: { other: { type: memory } }
lists: { deny: [ { user: mallory, until: 2100-01-01 } ] }
rules:
  - { name: a, key: [user], limits: [9 per minute, '9 per day (calendar, UTC)'] }
  - { name: b, key: [user], limits: [2 concurrent ttl 30s], store: other }";
    let alone = "rules: [{ name: a, key: [user], limits: [2 per minute] }]";
    let readings = |engine: &Engine, what: &dyn Fn(&Engine)| {
        let before = clock.0.load(Ordering::Relaxed);
        what(engine);
        assert_eq!(clock.0.load(Ordering::Relaxed) - before, 1);
    };
    for rules in [rules, alone] {
        let engine = Engine::builder(policy(rules)).clock(Arc::clone(&clock) as _).build().unwrap();
        for user in ["alice", "alice", "alice", "mallory"] {
            let request = Request::new(user_request(user));
            readings(&engine, &|engine| drop(engine.check_now(&request).unwrap()));
            readings(&engine, &|engine| drop(block_on(engine.check(&request))));
            readings(&engine, &|engine| drop(block_on(engine.reserve(&request))));
        }
        let at = Request::new(user_request("bob")).at(START);
        let before = clock.0.load(Ordering::Relaxed);
        assert_eq!(engine.check_now(&at).unwrap().decided_at(), START);
        assert_eq!(clock.0.load(Ordering::Relaxed), before, "the instant was given");
    }
}
