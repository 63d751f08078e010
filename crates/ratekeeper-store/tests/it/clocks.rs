//! Whose clock the store in memory goes by.

use std::sync::Arc;

use ratekeeper_core::{Ask, Key, Limit, Micros, Op, Timestamp};
use ratekeeper_store::{Batch, Check, Clock, ManualClock, MemoryConfig, MemoryStore, Store, SystemClock};

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

#[test]
fn a_manual_clock_is_turned_by_hand() {
    let clock = Arc::new(ManualClock::new(START));
    let store = MemoryStore::with_clock(MemoryConfig::default(), clock.clone());
    let (key, limit) = (Key::new(b"alice").unwrap(), Limit::token_bucket(2, Micros::SECOND).unwrap());
    let take = || store.ask_now(key, &limit, &Ask::new(Op::Take, 1)).unwrap();
    assert!(take().allowed && take().allowed);
    let wait = take().retry_after.unwrap();
    assert_eq!(wait, Micros::new(500_000));
    clock.advance(Micros::new(wait.get() - 1));
    assert_eq!(take().retry_after, Some(Micros::new(1)));
    clock.advance(Micros::new(1));
    assert!(take().allowed);
    clock.set(START);
    assert!(!take().allowed, "a clock that steps back gives nothing");
}

#[test]
fn an_injected_instant_goes_before_the_own_clock() {
    let clock = Arc::new(ManualClock::new(START));
    let store = MemoryStore::with_clock(MemoryConfig::default(), clock);
    let (key, limit) = (Key::new(b"alice").unwrap(), Limit::token_bucket(1, Micros::SECOND).unwrap());
    let passes = |now: Option<Timestamp>| {
        let mut batch = Batch::new();
        batch.now = now;
        batch.push(Op::Take, [Check::new(key, &limit, 1)]);
        store.apply(&mut batch).ready().expect("memory answers at once").unwrap();
        batch.units()[0].passes
    };
    assert!(passes(None) && !passes(None));
    assert!(passes(Some(START + Micros::SECOND)));
}

#[test]
fn the_system_clock_is_the_usual_one() {
    let clock = SystemClock::new();
    let (key, limit) = (Key::new(b"alice").unwrap(), Limit::fixed_window(1, Micros::DAY).unwrap());
    // Once more if midnight comes in between.
    let reset_after = (0..2).find_map(|_| {
        let before = clock.now();
        let reset = MemoryStore::default().ask_now(key, &limit, &Ask::new(Op::Take, 1)).unwrap().reset_after;
        let midnight = Micros::DAY.get() - before.as_micros() % Micros::DAY.get();
        (reset.get() <= midnight).then_some((reset.get(), midnight))
    });
    let (reset, midnight) = reset_after.expect("the end of this day");
    assert!(midnight - reset < 60_000_000, "the store's clock is another: {reset} to {midnight}");
}
