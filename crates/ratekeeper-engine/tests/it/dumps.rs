//! Counters outlive their process.

use proptest::prelude::*;
use ratekeeper_engine::{Engine, Request, Secret};
use ratekeeper_store::testkit::block_on;

use crate::{Setup, lines, policy, user_request};

const RULES: &str = "
stores: { two: { type: memory } }
rules:
  - { name: bucket, key: [user], limits: [9 per minute burst 4] }
  - { name: windows, key: [user], limits: ['5 per 20s (fixed_window)', '9 per minute (sliding_window)'], store: two }
  - { name: log, key: [user], limits: ['7 per 50s (sliding_log)'], mode: shadow }
  - { name: slots, key: [user], limits: [3 concurrent ttl 15s] }
  - { name: a-name-that-is-far-too-long-to-stand-in-an-entry-of-the-table, key: [user], limits: [50 per hour] }";

fn dump(setup: &Setup) -> Vec<u8> {
    let mut bytes = Vec::new();
    setup.engine.dump(&mut bytes).unwrap();
    bytes
}

/// An engine on the same clock that has taken in a dump.
fn restarted(setup: &Setup, dump: &[u8]) -> Setup {
    let builder = Engine::builder(policy(RULES)).clock(std::sync::Arc::clone(&setup.clock) as _);
    let engine = builder.secret(Secret::new([7; 32])).build().unwrap();
    engine.restore(&mut &*dump).unwrap();
    Setup { engine, clock: std::sync::Arc::clone(&setup.clock) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every decision after a restart is the one that would have been without it.
    #[test]
    fn a_restart_changes_no_decision(
        before in prop::collection::vec((0_u8..4, 0_u64..5), 0..40), after in prop::collection::vec((0_u8..4, 0_u64..9), 1..40),
    ) {
        let lives_on = Setup::new(RULES);
        for (user, wait) in before {
            lives_on.user(&format!("user-{user}"));
            lives_on.advance(wait);
        }
        let restarted = restarted(&lives_on, &dump(&lives_on));
        for (user, wait) in after {
            let user = format!("user-{user}");
            let (expected, found) = (lives_on.user(&user), restarted.user(&user));
            prop_assert_eq!(lines(&found), lines(&expected));
            prop_assert_eq!(found.retry_after(), expected.retry_after());
            lives_on.advance(wait);
        }
    }
}

#[test]
fn a_reservation_is_settled_once_whatever_restarts_in_between() {
    let setup = Setup::new(RULES);
    let handle = block_on(setup.engine.reserve(&Request::new(user_request("alice")).costing(3)))
        .handle
        .unwrap();
    let second = restarted(&setup, &dump(&setup));
    block_on(second.engine.commit(&handle, 1)).unwrap();
    let third = restarted(&second, &dump(&second));
    let again = block_on(third.engine.commit(&handle, 1)).unwrap();
    assert_eq!(again, ratekeeper_engine::Settlement::Repeated);
}

#[test]
fn what_is_not_whole_is_refused_and_changes_nothing() {
    let setup = Setup::new(RULES);
    for user in ["alice", "bob"] {
        setup.user(user);
    }
    let whole = dump(&setup);
    let fresh = Setup::new(RULES);
    for end in 0..whole.len() {
        assert!(fresh.engine.restore(&mut &whole[..end]).is_err(), "cut at {end}");
    }
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(fresh.engine.restore(&mut &changed[..]).is_err(), "changed at {place}");
    }
    assert!(fresh.engine.memory_stats().iter().all(|(_, stats)| stats.keys == 0));
    assert!(fresh.engine.restore(&mut &whole[..]).unwrap() > 0);
}
