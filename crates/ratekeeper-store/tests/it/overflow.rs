//! What a full store in memory does with new keys: share, deny or evict, and always visibly.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use ratekeeper_core::{Key, Limit, Micros, Op};
use ratekeeper_store::{Batch, Check, MemoryConfig, MemoryStore, Overflow, Store};

use crate::bounds::{Bounded, key};

fn full(overflow: Overflow, limit: &Limit) -> Bounded {
    let bounded = Bounded::new(MemoryConfig { max_keys: 1000, overflow, ..MemoryConfig::default() });
    assert_eq!(bounded.store.capabilities().overflow, overflow);
    for number in 0..1000 {
        let taken = bounded.take(&format!("first {number}"), limit, limit.count());
        assert!(!taken.degraded && taken.verdict.unwrap().allowed);
    }
    assert_eq!(bounded.stats().keys, 1000);
    bounded
}

fn first_ones_are_remembered(bounded: &Bounded, limit: &Limit) {
    for number in 0..1000 {
        let taken = bounded.take(&format!("first {number}"), limit, 1);
        assert!(!taken.degraded && !taken.verdict.unwrap().allowed, "{number} has been forgiven");
    }
}

#[test]
fn a_flood_shares_4096_counters() {
    let limits = [
        Limit::token_bucket(8, Micros::HOUR).unwrap(),
        Limit::sliding_log(8, Micros::HOUR).unwrap(),
    ];
    for limit in limits {
        let bounded = full(Overflow::Share, &limit);
        let mut admitted = 0;
        for number in 0..150_000 {
            let taken = bounded.take(&format!("flood {number}"), &limit, 1);
            assert!(taken.degraded);
            admitted += u64::from(taken.verdict.unwrap().allowed);
        }
        // Some forty keys a counter: each gets all that it may, and no more.
        assert_eq!(admitted, 4096 * 8, "{limit}");
        let stats = bounded.stats();
        assert_eq!((stats.keys, stats.shared, stats.evicted_live), (1000, 150_000, 0));
        first_ones_are_remembered(&bounded, &limit);
    }
}

#[test]
fn limits_do_not_share_counters_with_each_other() {
    let (few, many) = (
        Limit::token_bucket(1, Micros::HOUR).unwrap(),
        Limit::token_bucket(1 << 40, Micros::HOUR).unwrap(),
    );
    let bounded = full(Overflow::Share, &few);
    for number in 0..50_000 {
        bounded.take(&format!("flood {number}"), &few, 1);
    }
    for scope in ["rule a:", "rule b:"] {
        let name = format!("{scope}alice");
        let scoped = Key::scoped(name.as_bytes(), scope.len()).unwrap();
        let taken = bounded.apply(Op::Take, Check::new(scoped, &few, 1), 0).unwrap();
        assert!(taken.degraded && taken.verdict.unwrap().allowed, "another rule, the same limit");
    }
    assert!(
        bounded.take("alice", &many, 1 << 40).verdict.unwrap().allowed,
        "the same rule, another limit"
    );
}

/// Keys that look like those of shared counters are not.
#[test]
fn no_key_names_a_shared_counter() {
    let limit = Limit::token_bucket(1, Micros::HOUR).unwrap();
    let bounded = full(Overflow::Share, &limit);
    for number in 0..50_000 {
        bounded.take(&format!("flood {number}"), &limit, 1);
    }
    for slot in 0..4096_u64 {
        for separator in [&[][..], &[0xff]] {
            let bytes = [separator, &limit.tag().get().to_le_bytes(), &slot.to_le_bytes()].concat();
            let taken = bounded.apply(Op::Take, Check::new(Key::new(&bytes).unwrap(), &limit, 1), 0).unwrap();
            assert!(taken.degraded, "{}", bytes.escape_ascii());
        }
    }
}

#[test]
fn what_a_shared_counter_gave_goes_back_to_it() {
    let limit = Limit::fixed_window(10, Micros::HOUR).unwrap();
    let bounded = full(Overflow::Share, &limit);
    let taken = bounded.take("late", &limit, 7);
    assert!(taken.degraded);
    let token = taken.verdict.unwrap().token.unwrap();
    let peek = || bounded.apply(Op::Peek, Check::new(key("late"), &limit, 0), 0).unwrap().verdict.unwrap();
    assert_eq!(peek().remaining, 3);
    let mut refund = Check::new(key("late"), &limit, 7).with_token(token);
    refund.degraded = true;
    assert_eq!(bounded.apply(Op::Refund, refund, 0).unwrap().verdict.unwrap().remaining, 10);
    assert_eq!(peek().remaining, 10);
}

#[test]
fn holders_of_a_shared_counter_release_it() {
    let limit = Limit::concurrency(2, Micros::HOUR).unwrap();
    let bounded = Bounded::new(MemoryConfig { max_keys: 0, ..MemoryConfig::default() });
    let check = || Check::new(key("late"), &limit, 1);
    let take = |holder| bounded.apply(Op::Take, check(), holder).unwrap();
    let token = take(1).verdict.unwrap().token.unwrap();
    assert!(take(2).verdict.unwrap().allowed && !take(3).verdict.unwrap().allowed);
    let mut release = check().with_token(token);
    release.degraded = true;
    bounded.apply(Op::Refund, release, 1).unwrap();
    let fourth = take(4);
    assert!(fourth.degraded && fourth.verdict.unwrap().allowed);
    assert!(!take(5).verdict.unwrap().allowed);
}

/// Counters of limits that are no more do not stay for ever.
#[test]
fn shared_counters_of_former_limits_go() {
    let bounded = Bounded::new(MemoryConfig { max_keys: 0, ..MemoryConfig::default() });
    let mut first = 0;
    for reload in 1..=20 {
        let limit = Limit::token_bucket(reload, Micros::SECOND).unwrap();
        for number in 0..10_000 {
            bounded.take(&format!("{number}"), &limit, 1);
        }
        bounded.clock.advance(Micros::from_secs(2));
        let bytes = bounded.stats().bytes;
        first = if reload == 1 { bytes } else { first };
        assert!(bytes <= 3 * first, "after {reload} limits {bytes} bytes, after one {first}");
    }
}

#[test]
fn deny_refuses_new_keys_and_says_so() {
    let limit = Limit::token_bucket(10, Micros::HOUR).unwrap();
    let bounded = full(Overflow::Deny, &limit);
    for number in 0..5000 {
        let name = format!("flood {number}");
        let refused = bounded.take(&name, &limit, 1);
        let verdict = refused.verdict.unwrap();
        assert!(refused.degraded && !verdict.allowed);
        assert!(verdict.retry_after.is_some_and(|wait| wait > Micros::ZERO && wait <= Micros::SECOND));
    }
    let stats = bounded.stats();
    assert_eq!((stats.keys, stats.refused, stats.shared, stats.evicted_live), (1000, 5000, 0, 0));
    first_ones_are_remembered(&bounded, &limit);
}

#[test]
fn a_unit_with_a_key_that_is_denied_spends_nothing() {
    let limit = Limit::token_bucket(10, Micros::HOUR).unwrap();
    let bounded =
        Bounded::new(MemoryConfig { max_keys: 1, overflow: Overflow::Deny, ..MemoryConfig::default() });
    bounded.take("known", &limit, 1);
    let mut batch = Batch::new();
    batch.push(Op::Take, ["known", "new"].map(|name| Check::new(key(name), &limit, 1)));
    bounded.store.apply(&mut batch).ready().unwrap().unwrap();
    assert!(!batch.units()[0].passes);
    let [known, new] = batch.checks(0) else {
        panic!("two checks")
    };
    assert!(known.verdict.unwrap().allowed && !known.degraded && known.verdict.unwrap().remaining == 9);
    assert!(!new.verdict.unwrap().allowed && new.degraded);
}

#[test]
fn evict_makes_room_for_every_new_key() {
    let limit = Limit::token_bucket(10, Micros::HOUR).unwrap();
    for max_keys in [1, 7, 1000] {
        let config = MemoryConfig { max_keys, overflow: Overflow::Evict, ..MemoryConfig::default() };
        let bounded = Bounded::new(config);
        for number in 0..5000 {
            let taken = bounded.take(&format!("flood {number}"), &limit, 1);
            assert!(!taken.degraded && taken.verdict.unwrap().remaining == 9, "{number} of {max_keys}");
        }
        let stats = bounded.stats();
        assert_eq!((stats.keys, stats.refused, stats.shared), (max_keys, 0, 0));
        assert_eq!(stats.evicted_live, 5000 - max_keys as u64);
    }
}

#[test]
fn evict_does_not_make_room_for_who_only_looks() {
    let limit = Limit::token_bucket(10, Micros::HOUR).unwrap();
    let bounded = full(Overflow::Evict, &limit);
    for number in 0..1000 {
        let name = format!("looks {number}");
        let peek = bounded.apply(Op::Peek, Check::new(key(&name), &limit, 1), 0).unwrap();
        assert!(peek.verdict.unwrap().allowed && !peek.degraded);
    }
    assert_eq!(bounded.stats().evicted_live, 0);
    first_ones_are_remembered(&bounded, &limit);
}

/// Like keys do not meet in one place, whatever the seed of the store: sixteen that differ in one character are spread
/// over many of the shared counters.
#[test]
fn like_keys_do_not_share_one_counter() {
    let limit = Limit::token_bucket(1, Micros::HOUR).unwrap();
    for round in 0..2000 {
        let bounded = Bounded::new(MemoryConfig { max_keys: 0, ..MemoryConfig::default() });
        let prefix = &"known subject of a rule"[..round % 23];
        let passes = |end: &char| bounded.take(&format!("{prefix}{end}"), &limit, 1).verdict.unwrap().allowed;
        let passed = ('a'..='p').filter(passes).count();
        assert!(passed >= 12, "16 keys, {passed} counters, round {round}");
    }
}

/// A unit's new keys take the place of others, not of its own.
#[test]
fn evict_spares_the_keys_of_the_same_unit() {
    let limit = Limit::token_bucket(10, Micros::HOUR).unwrap();
    for round in 0..200 {
        let config = MemoryConfig { max_keys: 8, overflow: Overflow::Evict, ..MemoryConfig::default() };
        let bounded = Bounded::new(config);
        for number in 0..8 {
            bounded.take(&format!("known {number}"), &limit, 5);
        }
        let names = [format!("new {round}"), "known 3".to_owned(), "known 5".to_owned()];
        let mut batch = Batch::new();
        batch.push(Op::Take, names.iter().map(|name| Check::new(key(name), &limit, 1)));
        bounded.store.apply(&mut batch).ready().unwrap().unwrap();
        let remaining: Vec<_> =
            batch.checks(0).iter().map(|check| check.verdict.unwrap().remaining).collect();
        assert_eq!(remaining, [9, 4, 4], "round {round}");
        bounded.stats();
    }
}

#[test]
fn there_is_no_store_without_bounds() {
    let config = MemoryConfig { overflow: Overflow::Unbounded, ..MemoryConfig::default() };
    assert_eq!(MemoryStore::new(config).capabilities().overflow, Overflow::Share);
}

/// At the bound, from many threads: never more keys or admissions than may be.
#[test]
fn the_bounds_hold_under_contention() {
    let limit = Limit::token_bucket(3, Micros::HOUR).unwrap();
    for overflow in [Overflow::Share, Overflow::Deny, Overflow::Evict] {
        let config = MemoryConfig { max_keys: 500, overflow, ..MemoryConfig::default() };
        let bounded = Bounded::new(config);
        let admitted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (bounded, limit, admitted) = (&bounded, &limit, &admitted);
                scope.spawn(move || {
                    for number in 0..4000 {
                        // Two keys a unit, one of them everybody's.
                        let names = [format!("{}", number % 700), format!("{thread}/{number}")];
                        let mut batch = Batch::new();
                        batch.push(Op::Take, names.iter().map(|name| Check::new(key(name), limit, 1)));
                        bounded.store.apply(&mut batch).ready().unwrap().unwrap();
                        admitted.fetch_add(u64::from(batch.units()[0].passes), SeqCst);
                    }
                });
            }
        });
        let stats = bounded.stats();
        assert!(stats.keys <= 500 && stats.keys >= 250, "{stats:?}");
        let admitted = admitted.into_inner();
        match overflow {
            Overflow::Deny => assert!(admitted <= 3 * 500, "{admitted}"),
            Overflow::Share => assert!(admitted <= 3 * (500 + 4096), "{admitted}"),
            _ => assert!(stats.evicted_live > 0),
        }
    }
}

/// Who resets a counter forgets nothing that others take from it meanwhile: one take for every reset, and one more.
#[test]
fn a_take_beside_a_reset_is_not_lost() {
    let limit = Limit::token_bucket(1, Micros::HOUR).unwrap();
    let bounded = Bounded::new(MemoryConfig::default());
    let resets: u64 = 20_000;
    let admitted = AtomicU64::new(0);
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(SeqCst) {
                    let taken = bounded.take("alice", &limit, 1).verdict.unwrap();
                    admitted.fetch_add(u64::from(taken.allowed), SeqCst);
                }
            });
        }
        for _ in 0..resets {
            bounded.apply(Op::Reset, Check::new(key("alice"), &limit, 0), 0).unwrap();
        }
        over.store(true, SeqCst);
    });
    let admitted = admitted.into_inner();
    assert!(admitted <= resets + 1, "{admitted} admitted, {resets} resets");
}
