//! Fixed and calendar windows on the store's own clock, where they are counted by arithmetic.

use std::sync::Arc;

use ratekeeper_core::{
    Algorithm, Ask, Calendar, Holder, Key, Limit, MAX_COUNT, MAX_EXACT, Micros, Op, Period, Timestamp, step,
};
use ratekeeper_memcached::MemcachedStore;
use ratekeeper_store::{
    Answer, Batch, Capabilities, Check, Clock as _, ManualClock, Store, StoreError, testkit,
};
use testservers::Memcached;

use crate::runtime::{ask, runtime, store, store_by, subject, take, url};

/// A store whose own clock is turned to the instant that a batch brings.
#[derive(Debug)]
struct Turned {
    store: MemcachedStore,
    clock: Arc<ManualClock>,
}

impl Turned {
    fn new(url: &str) -> Self {
        let clock = Arc::new(ManualClock::default());
        Self { store: store_by(url, Arc::clone(&clock) as _), clock }
    }
}

impl Store for Turned {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        let now = batch.now.take();
        now.into_iter().for_each(|now| self.clock.set(now));
        Answer::Later(Box::pin(async move {
            let answer = self.store.apply(batch).wait().await;
            batch.now = now;
            answer
        }))
    }

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }
}

/// What the suite says of clocks that do not step back holds to the microsecond.
macro_rules! cases {
    ($($case:ident)+) => {
        $(#[test]
        fn $case() {
            testkit::check(stringify!($case), subject(Turned::new(&url(&[Memcached::shared()]))));
        })+
    };
}

cases! {
    a_take_takes_its_whole_cost_or_nothing
    what_can_never_pass_is_told_so
    a_partial_take_gets_what_is_left
    a_peek_writes_nothing
    a_charge_goes_into_debt
    a_refund_with_its_token_undoes_a_take
    a_refund_without_token_credits
    a_reset_forgets
    a_refused_unit_leaves_every_counter_untouched
    a_partial_take_grants_the_least_of_all_checks
    the_units_of_a_batch_apply_in_order
    shadow_groups_are_debited_iff_all_pass
    waiting_exactly_retry_after_passes_and_less_fails
    after_reset_after_nothing_is_left
    windows_begin_at_their_boundary
    a_raised_limit_keeps_what_was_used
    many_threads_get_exactly_what_there_is
    partial_takes_share_exactly_what_there_is
    takes_and_refunds_balance
}

fn windows(count: u64) -> [Limit; 3] {
    let months = Calendar::new(Period::Month, "Europe/Paris").unwrap();
    [
        Limit::fixed_window(count, Micros::new(10_000_019)).unwrap(),
        Limit::fixed_window(count, Micros::MINUTE).unwrap().with_phase_by_key(),
        Limit::calendar_window(count, months).unwrap(),
    ]
}

const OPS: &[Op] = &[
    Op::Take,
    Op::Take,
    Op::TakeUpTo,
    Op::Peek,
    Op::Charge,
    Op::Refund,
    Op::Reset,
];

/// Chance, the same in every run.
struct Random(u64);

impl Random {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from[usize::try_from(self.0 >> 33).unwrap() % from.len()]
    }
}

#[test]
fn random_batches_answer_like_step_while_time_goes_on() {
    let store = Turned::new(&url(&[Memcached::shared()]));
    for (round, limit) in windows(7).into_iter().chain(windows(MAX_COUNT)).enumerate() {
        let key = format!("like step/{round}").into_bytes();
        let mut random = Random(round as u64);
        let mut now = Timestamp::from_micros(1_900_000_000_000_000);
        let (mut counter, mut tokens) = (None, Vec::new());
        for _ in 0..120 {
            now = now + Micros::new(random.pick(&[0, 0, 1_000_000, 3_000_000, limit.window().get()]));
            let mut asks = Vec::new();
            for _ in 0..random.pick(&[1, 1, 2, 3, 5]) {
                let op = random.pick(OPS);
                let cost = random.pick(&[1, 2, 3, limit.count(), limit.count() + 1, MAX_EXACT]);
                let token = (op == Op::Refund && !tokens.is_empty()).then(|| random.pick(&tokens));
                asks.push(Ask { token, ..Ask::new(op, cost) });
            }
            let mut batch = Batch::new().at(now);
            for ask in &asks {
                let mut check = Check::new(Key::new(&key).unwrap(), &limit, ask.cost);
                check.token = ask.token;
                batch.push_by(ask.op, Holder::default(), [check]);
            }
            runtime().block_on(store.apply(&mut batch).wait()).unwrap();
            for (unit, ask) in asks.iter().enumerate() {
                let expected = step(&mut counter, &limit, &key, now, ask).unwrap();
                assert_eq!(
                    batch.checks(unit)[0].verdict,
                    Some(expected),
                    "{ask:?} under {limit}, round {round}"
                );
                tokens.extend(expected.token);
            }
        }
    }
}

#[test]
fn a_changed_limit_keeps_or_drops_the_count_as_it_says() {
    let store = store(&url(&[Memcached::shared()]));
    let [five, eight] = [5, 8].map(|count| Limit::fixed_window(count, Micros::DAY).unwrap());
    let left = |limit: &Limit| ask(&store, b"changed", limit, &Ask::new(Op::Peek, 0)).unwrap().remaining;
    ask(&store, b"changed", &five, &Ask::new(Op::Take, 4)).unwrap();
    assert_eq!(left(&eight), 4, "the window is the same");
    assert_eq!(left(&eight.clone().with_reset_on_change()), 8, "dropped");
    assert_eq!(left(&Limit::fixed_window(8, Micros::HOUR).unwrap()), 8, "another window");
    let bucket = Limit::token_bucket(8, Micros::DAY).unwrap();
    let mut batch = Batch::new();
    let key = Key::new(b"changed").unwrap();
    for limit in [&five, &eight, &bucket, &five] {
        batch.push(Op::Take, [Check::new(key, limit, 1)]);
    }
    runtime().block_on(store.apply(&mut batch).wait()).unwrap();
    let remaining: Vec<_> = (0..4).map(|unit| batch.checks(unit)[0].verdict.unwrap().remaining).collect();
    assert_eq!(
        remaining,
        [0, 2, 7, 0],
        "in the middle of a reload each unit is decided under its own limit"
    );
    assert!(!batch.units()[3].passes);
}

/// What the server would let go round, back to 0.
#[test]
fn no_charge_wraps_the_number() {
    let store = store(&url(&[Memcached::shared()]));
    let limit = Limit::fixed_window(MAX_COUNT, Micros::DAY).unwrap();
    for _ in 0..300 {
        ask(&store, b"wrap", &limit, &Ask::new(Op::Charge, u64::MAX)).unwrap();
    }
    let mut batch = Batch::new();
    for _ in 0..300 {
        batch.push(Op::Charge, [Check::new(Key::new(b"wrap").unwrap(), &limit, u64::MAX)]);
    }
    runtime().block_on(store.apply(&mut batch).wait()).unwrap();
    assert!(!take(&store, b"wrap", &limit).unwrap().allowed);
    ask(&store, b"wrap", &limit, &Ask::new(Op::Reset, 0)).unwrap();
    assert_eq!(take(&store, b"wrap", &limit).unwrap().remaining, MAX_COUNT - 1);
}

#[test]
fn an_instant_that_a_batch_brings_is_obeyed_by_windows_too() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_900_000_000_000_000)));
    let store = store_by(&url(&[Memcached::shared()]), Arc::clone(&clock) as _);
    let limit = Limit::fixed_window(1, Micros::MINUTE).unwrap();
    assert_eq!(limit.algorithm(), Algorithm::FixedWindow);
    let key = Key::new(b"brought").unwrap();
    let mut passes = [true, false].iter().map(|first| {
        let mut batch = Batch::new().at(clock.now() + Micros::DAY);
        batch.push(Op::Take, [Check::new(key, &limit, 1)]);
        runtime().block_on(store.apply(&mut batch).wait())?;
        Ok::<_, StoreError>(batch.units()[0].passes == *first)
    });
    assert!(passes.all(|as_expected| as_expected.unwrap()));
}
