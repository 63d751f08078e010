//! What cannot pass is refused without asking, and nothing else.

use std::sync::Arc;

use ratekeeper_core::{Ask, Holder, Key, Limit, Micros, Op, Timestamp, Verdict};
use ratekeeper_store::testkit::{Fault, Faulty, block_on};
use ratekeeper_store::{
    Batch, Check, DenyCache, Group, ManualClock, MemoryStore, Store, StoreError, StoreExt, SystemClock,
};

use crate::remote::{Remote, begin, in_tokio};
use crate::table::Later;

mod around_memory {
    use super::*;
    ratekeeper_store::conformance!(in_tokio(cache(MemoryStore::default())));
}

mod around_later {
    use super::*;
    ratekeeper_store::conformance!(in_tokio(cache(Later::default())));
}

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn cache<S: Store>(inner: S) -> DenyCache<S> {
    DenyCache::new(inner, Arc::new(SystemClock::new()))
}

struct Cached {
    store: DenyCache<Arc<Faulty<Remote>>>,
    inner: Arc<Faulty<Remote>>,
    clock: Arc<ManualClock>,
}

impl Cached {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let inner = Remote::on_clock(clock.clone());
        Self { store: DenyCache::new(Arc::clone(&inner), clock.clone()), inner, clock }
    }

    /// Asks, and says whether the store was asked.
    fn ask(&self, key: &str, limit: &Limit, ask: &Ask) -> (Verdict, bool) {
        let calls = self.inner.calls();
        let verdict = block_on(self.store.ask(Key::new(key.as_bytes()).unwrap(), limit, ask)).unwrap();
        (verdict, self.inner.calls() > calls)
    }

    fn take(&self, limit: &Limit, cost: u64) -> (Verdict, bool) {
        self.ask("a", limit, &Ask::new(Op::Take, cost))
    }

    /// Whether the take is refused, and by whom.
    fn refused_here(&self, limit: &Limit, cost: u64) -> bool {
        let (verdict, asked) = self.take(limit, cost);
        assert!(!verdict.allowed, "{limit}");
        !asked
    }
}

/// Two at once, and one more every 400 ms.
fn bucket() -> Limit {
    Limit::token_bucket(5, Micros::new(2_000_000)).unwrap().with_burst(2).unwrap()
}

fn day(count: u64) -> Limit {
    Limit::fixed_window(count, Micros::DAY).unwrap()
}

#[test]
fn a_refusal_is_repeated_until_the_wait_is_over() {
    let (cached, limit) = (Cached::new(), bucket());
    assert!(cached.take(&limit, 2).0.allowed);
    let (told, asked) = cached.take(&limit, 1);
    assert!(!told.allowed && asked);
    assert_eq!(told.retry_after, Some(Micros::new(400_000)));
    for elapsed in [0, 1, 250_000, 399_999] {
        cached.clock.set(START + Micros::new(elapsed));
        let (again, asked) = cached.take(&limit, 1);
        assert!(!asked && !again.allowed, "after {elapsed} us");
        assert_eq!(again.retry_after, Some(Micros::new(400_000 - elapsed)));
        assert_eq!(again.reset_after, Micros::new(800_000 - elapsed));
        assert_eq!((again.granted, again.token), (0, None));
    }
    assert_eq!(cached.store.denied(), 4);
    cached.clock.set(START + Micros::new(400_000));
    let (passes, asked) = cached.take(&limit, 1);
    assert!(asked && passes.allowed);
    // A clock that steps back forgets.
    assert!(!cached.refused_here(&limit, 1) && cached.refused_here(&limit, 1));
    cached.clock.set(START);
    assert!(!cached.refused_here(&limit, 1));
}

#[test]
fn the_wait_counts_from_when_it_was_asked_and_is_a_second_at_most() {
    let (cached, limit) = (Cached::new(), bucket());
    cached.take(&limit, 2);
    cached.inner.on_call(cached.inner.calls(), Fault::Hold);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| cached.take(&limit, 1).0);
        while cached.inner.held() == 0 {
            std::thread::yield_now();
        }
        cached.clock.advance(Micros::new(100_000));
        cached.inner.release();
        assert_eq!(asking.join().unwrap().retry_after, Some(Micros::new(300_000)));
    });
    cached.clock.set(START + Micros::new(299_999));
    assert!(cached.refused_here(&limit, 1));
    cached.clock.advance(Micros::new(1));
    assert!(!cached.refused_here(&limit, 1), "the server may have decided as soon as it was asked");

    let (cached, limit) = (Cached::new(), day(1));
    cached.take(&limit, 1);
    assert!(!cached.refused_here(&limit, 1));
    cached.clock.set(START + Micros::new(999_999));
    assert!(cached.refused_here(&limit, 1));
    cached.clock.advance(Micros::new(1));
    assert!(!cached.refused_here(&limit, 1));
}

#[test]
fn less_than_what_was_refused_is_asked_for() {
    let (cached, limit) = (Cached::new(), day(10));
    cached.take(&limit, 6);
    assert!(!cached.refused_here(&limit, 5));
    assert!(cached.refused_here(&limit, 5) && cached.refused_here(&limit, 9));
    // More than ever fits never passes.
    assert!(cached.take(&limit, 9).0.retry_after.is_some());
    assert_eq!(
        cached.take(&limit, 11),
        (Verdict { retry_after: None, ..cached.take(&limit, 5).0 }, false)
    );
    let (part, asked) = cached.ask("a", &limit, &Ask::new(Op::TakeUpTo, 9));
    assert!(asked && part.granted == 4, "something is left");
    let (none, asked) = cached.ask("a", &limit, &Ask::new(Op::TakeUpTo, 9));
    assert!(asked && !none.allowed);
    for ask in [
        Ask::new(Op::TakeUpTo, 1),
        Ask::new(Op::TakeUpTo, 99),
        Ask::new(Op::Take, 1),
    ] {
        let (verdict, asked) = cached.ask("a", &limit, &ask);
        assert!(!asked && !verdict.allowed && verdict.retry_after == none.retry_after, "{ask:?}");
    }
    for free in [Ask::new(Op::TakeUpTo, 0), Ask::new(Op::Take, 0)] {
        assert!(cached.ask("a", &limit, &free).1, "{free:?}");
    }
}

#[test]
fn another_limit_or_key_is_another_counter() {
    let cached = Cached::new();
    cached.take(&day(1), 1);
    assert!(!cached.refused_here(&day(1), 1));
    assert!(cached.refused_here(&day(1), 1));
    assert!(cached.take(&day(2), 1).0.allowed, "raised");
    assert!(cached.ask("b", &day(1), &Ask::new(Op::Take, 1)).1);
}

#[test]
fn looking_is_always_asked_and_what_is_given_back_is_noticed() {
    for ask in [
        Ask::new(Op::Refund, 1),
        Ask::new(Op::Reset, 0),
        Ask::new(Op::Charge, 1),
    ] {
        for injected in [None, Some(START)] {
            let (cached, limit) = (Cached::new(), day(1));
            cached.take(&limit, 1);
            assert!(!cached.refused_here(&limit, 1) && cached.refused_here(&limit, 1));
            assert!(cached.ask("a", &limit, &Ask::new(Op::Peek, 1)).1);
            assert!(cached.refused_here(&limit, 1), "looking changes nothing");
            let mut batch = Batch::single(Key::new(b"a").unwrap(), &limit, &ask);
            batch.now = injected;
            block_on(cached.store.apply(&mut batch).wait()).unwrap();
            let (after, asked) = cached.take(&limit, 1);
            assert!(asked && after.allowed == (ask.op != Op::Charge), "{ask:?}");
        }
    }
}

/// A take that is refused before a refund is written, and whose answer comes later.
#[tokio::test]
async fn a_refusal_from_before_a_refund_is_not_remembered() {
    let (limit, key) = (day(1), Key::new(b"a").unwrap());
    let spent = || {
        let cached = Cached::new();
        assert!(cached.take(&limit, 1).0.allowed);
        cached
    };
    let (take, refund) = (Ask::new(Op::Take, 1), Ask::new(Op::Refund, 1));
    let fault = |cached: &Cached, fault| cached.inner.on_call(cached.inner.calls(), fault);

    let cached = spent();
    fault(&cached, Fault::HoldAfter);
    let taking = begin(cached.store.ask(key, &limit, &take)).await;
    cached.store.ask(key, &limit, &refund).await.unwrap();
    cached.inner.release();
    assert!(!taking.await.unwrap().allowed);
    assert!(cached.take(&limit, 1).0.allowed, "refunded while the take was on its way back");

    let cached = spent();
    assert!(!cached.refused_here(&limit, 1) && cached.refused_here(&limit, 1));
    fault(&cached, Fault::Hold);
    let refunding = begin(cached.store.ask(key, &limit, &refund)).await;
    assert!(!cached.refused_here(&limit, 1), "it may be refunded already");
    assert!(cached.refused_here(&limit, 1), "it was not yet");
    cached.inner.release();
    refunding.await.unwrap();
    assert!(cached.take(&limit, 1).0.allowed);

    for refund_ends_first in [true, false] {
        let cached = spent();
        fault(&cached, Fault::Hold);
        let refunding = begin(cached.store.ask(key, &limit, &refund)).await;
        fault(&cached, Fault::HoldAfter);
        let taking = begin(cached.store.ask(key, &limit, &take)).await;
        cached.inner.release();
        if refund_ends_first {
            refunding.await.unwrap();
            assert!(!taking.await.unwrap().allowed);
        } else {
            assert!(!taking.await.unwrap().allowed);
            refunding.await.unwrap();
        }
        assert!(cached.take(&limit, 1).0.allowed, "the refund ends first: {refund_ends_first}");
    }

    // Nobody knows whether a refund that was given up has been written.
    let cached = spent();
    fault(&cached, Fault::HoldAfter);
    let refunding = begin(cached.store.ask(key, &limit, &refund)).await;
    fault(&cached, Fault::SilenceAfter);
    drop(begin(cached.store.ask(key, &limit, &take)).await);
    assert!(!cached.refused_here(&limit, 1) && cached.refused_here(&limit, 1));
    drop(refunding);
    assert!(!cached.refused_here(&limit, 1));
}

fn check<'a>(key: &'a str, limit: &'a Limit) -> Check<'a> {
    Check::new(Key::new(key.as_bytes()).unwrap(), limit, 1)
}

impl Cached {
    /// Asks for a unit of these checks: whether it passes, which checks have a verdict, and whether the store was asked.
    fn unit(&self, checks: &[Check<'_>]) -> (bool, Vec<bool>, bool) {
        let calls = self.inner.calls();
        let mut batch = Batch::new();
        batch.push(Op::Take, checks.iter().cloned());
        block_on(self.store.apply(&mut batch).wait()).unwrap();
        let verdicts = batch.checks(0).iter().map(|check| check.verdict.is_some()).collect();
        (batch.units()[0].passes, verdicts, self.inner.calls() > calls)
    }
}

#[test]
fn a_unit_is_refused_by_those_of_its_checks_that_were() {
    let (cached, one, many) = (Cached::new(), day(1), day(1000));
    let (spent, free, other) = (check("spent", &one), check("free", &many), check("other", &one));
    let unit = [free.clone(), spent.clone(), other.clone()];
    assert_eq!(cached.unit(&unit), (true, vec![true, true, true], true));
    assert_eq!(cached.unit(&unit), (false, vec![true, true, true], true));
    assert_eq!(cached.unit(&unit), (false, vec![false, true, true], false), "all that were refused");
    assert_eq!(cached.unit(&[spent.clone(), free.clone()]), (false, vec![true, false], false));
    // A shadow neither refuses nor is remembered.
    let in_shadow = [free.clone(), spent.in_group(Group::Shadow(1))];
    assert_eq!(cached.unit(&in_shadow), (true, vec![true, true], true));
    let unseen = check("unseen", &one);
    let in_shadow = [free.clone(), unseen.clone().in_group(Group::Shadow(1))];
    assert!((0..3).all(|_| cached.unit(&in_shadow).0));
    assert_eq!(cached.unit(&[unseen]), (false, vec![true], true));
    // Checks may have operations of their own.
    let looking = [free, other.with_op(Op::Peek)];
    assert_eq!(cached.unit(&looking), (false, vec![true, true], true));
}

#[test]
fn mistakes_are_still_the_stores_to_answer() {
    let (cached, limit) = (Cached::new(), day(1));
    (0..3).for_each(|_| {
        cached.take(&limit, 1);
    });
    let mut batch = Batch::new();
    batch.push(Op::Take, [check("a", &limit), check("a", &limit)]);
    let answer = block_on(cached.store.apply(&mut batch).wait());
    assert!(matches!(answer, Err(StoreError::DuplicateKey { .. })), "{answer:?}");
}

#[test]
fn what_was_not_decided_is_not_remembered() {
    let (cached, limit) = (Cached::new(), day(1));
    cached.take(&limit, 1);
    let ask = || block_on(cached.store.ask(Key::new(b"a").unwrap(), &limit, &Ask::new(Op::Take, 1)));
    cached.inner.on_call(cached.inner.calls(), Fault::FailAfter(StoreError::Timeout));
    assert_eq!(ask(), Err(StoreError::Timeout));
    assert!(!cached.refused_here(&limit, 1));
}

#[test]
fn injected_instants_and_several_units_are_always_asked() {
    let (cached, limit) = (Cached::new(), day(1));
    for round in 0..4 {
        for now in [None, Some(START)] {
            let calls = cached.inner.calls();
            let mut batch = Batch::new();
            batch.now = now;
            batch.push(Op::Take, [check("a", &limit)]);
            if now.is_none() {
                batch.push(Op::Take, [check("a", &limit)]);
            }
            block_on(cached.store.apply(&mut batch).wait()).unwrap();
            assert_eq!(cached.inner.calls(), calls + 1, "{round}");
        }
    }
    assert!(!cached.refused_here(&limit, 1), "nothing was learnt");
}

#[test]
fn no_more_than_its_places_is_remembered() {
    let (cached, limit) = (Cached::new(), day(1));
    let key = |number| format!("key {number}");
    for number in 0..40_000 {
        let name = key(number);
        cached.ask(&name, &limit, &Ask::new(Op::Take, 1));
        cached.ask(&name, &limit, &Ask::new(Op::Take, 1));
    }
    // What is asked takes the place of another, so the newest are looked at first.
    let here = |number: &i32| !cached.ask(&key(*number), &limit, &Ask::new(Op::Take, 1)).1;
    let remembered = (0..40_000).rev().filter(here).count();
    assert!((10_000..=16_384).contains(&remembered), "{remembered}");
}

#[test]
fn concurrency_is_always_asked() {
    let (cached, limit) = (Cached::new(), Limit::concurrency(1, Micros::DAY).unwrap());
    for holder in 1..5 {
        let (verdict, asked) = cached.ask("a", &limit, &Ask::new(Op::Take, 1).by(Holder::new(holder)));
        assert!(asked && verdict.allowed == (holder == 1));
    }
}
