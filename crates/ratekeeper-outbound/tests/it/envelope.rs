//! Whatever happens, calls stay within the envelopes of their limits, and go in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use proptest::collection::vec;
use proptest::prelude::*;
use ratekeeper_core::model::check_envelope;
use ratekeeper_core::{Algorithm, Limit, Micros, Timestamp};
use ratekeeper_outbound::{Pacer, PacerConfig};
use tokio::time::{Instant, sleep, timeout};

/// One task.
#[derive(Clone, Debug)]
struct Caller {
    comes: Duration,
    cost: u64,
    /// After how long it gives up.
    patience: Duration,
    /// How long its call takes.
    takes: Duration,
}

/// A call that went.
#[derive(Clone, Copy, Debug)]
struct Went {
    came: u64,
    at: Timestamp,
    until: Timestamp,
    cost: u64,
}

fn limit() -> impl Strategy<Value = Limit> {
    let window = prop_oneof![Just(10_u64), Just(100), Just(1000), Just(7777)]
        .prop_map(|millis| Micros::new(millis * 1000));
    (0..7, 3..20_u64, window, 3..10_u64).prop_map(|(algorithm, count, window, burst)| {
        let limit = match algorithm {
            0 => Limit::token_bucket(count, window),
            1 => Limit::token_bucket(count, window).and_then(|limit| limit.with_burst(burst)),
            2 => Limit::leaky_queue(count, window, Micros::HOUR),
            3 => Limit::fixed_window(count, window),
            4 => Limit::sliding_window(count, window),
            5 => Limit::sliding_log(count, window),
            _ => Limit::concurrency(count, Micros::HOUR),
        };
        limit.unwrap()
    })
}

fn caller() -> impl Strategy<Value = Caller> {
    let millis = |most: u64| (0..most).prop_map(Duration::from_millis);
    let patience = prop_oneof![3 => Just(Duration::MAX), 1 => millis(3000)];
    (millis(2000), 0..=3_u64, patience, millis(100)).prop_map(|(comes, cost, patience, takes)| Caller {
        comes,
        cost,
        patience,
        takes,
    })
}

/// Runs all callers on a clock of their own; those that went, in the order in which they did.
fn run(limits: &[Limit], callers: Vec<Caller>) -> Vec<Went> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let config = PacerConfig { max_wait: Duration::from_secs(100_000), ..PacerConfig::default() };
        let pacer = Pacer::with(limits.to_vec(), config);
        let (start, came) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let went = Arc::new(Mutex::new(Vec::new()));
        let now = move || Timestamp::from_micros(u64::try_from(start.elapsed().as_micros()).unwrap());
        let call = |caller: Caller| {
            let (pacer, went, came) = (pacer.clone(), Arc::clone(&went), Arc::clone(&came));
            tokio::spawn(async move {
                sleep(caller.comes).await;
                let came = came.fetch_add(1, Ordering::Relaxed);
                let Ok(permit) = timeout(caller.patience, pacer.until_ready().cost(caller.cost)).await else {
                    return;
                };
                let permit = permit.unwrap();
                let until = now() + caller.takes.into();
                went.lock().push(Went { came, at: now(), until, cost: caller.cost });
                sleep(caller.takes).await;
                drop(permit);
            })
        };
        for task in callers.into_iter().map(call).collect::<Vec<_>>() {
            task.await.unwrap();
        }
        went.lock().clone()
    })
}

/// The instants at which calls began, and how much was out then.
fn held(went: &[Went]) -> impl Iterator<Item = (Timestamp, u64)> {
    went.iter().map(|one| {
        let out = went
            .iter()
            .filter(|other| other.at <= one.at && (other.until > one.at || other.at == one.at));
        (one.at, out.filter(|other| other.until > one.at).map(|other| other.cost).sum())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn calls_stay_within_every_envelope_and_in_order(limits in vec(limit(), 1..4), callers in vec(caller(), 1..60)) {
        let patient = callers.iter().filter(|caller| caller.patience == Duration::MAX).count();
        let went = run(&limits, callers);
        prop_assert!(went.len() >= patient, "{} of {patient} went", went.len());
        prop_assert!(went.is_sorted_by_key(|went| went.came), "{went:?}");
        for limit in &limits {
            if limit.algorithm() == Algorithm::Concurrency {
                prop_assert!(held(&went).all(|(_, cost)| cost <= limit.count()), "{limit}: {went:?}");
            } else {
                let log = went.iter().map(|went| (went.at, went.cost));
                prop_assert_eq!(check_envelope(limit, 3, log), Ok(()), "{}", limit);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_contention_exactly_as_many_go_as_there_are() {
    let limits = [
        (Limit::token_bucket(1, Micros::HOUR).unwrap().with_burst(300).unwrap(), 300),
        (Limit::sliding_window(300, Micros::DAY).unwrap(), 300),
        (Limit::concurrency(30, Micros::HOUR).unwrap(), 30),
    ];
    for (limit, most) in limits {
        let pacer = Pacer::new(limit);
        let call = |_| {
            let pacer = pacer.clone();
            tokio::spawn(async move {
                let mut permits = Vec::new();
                for _ in 0..20 {
                    permits.extend(pacer.until_ready().within(Duration::ZERO).await);
                    tokio::task::yield_now().await;
                }
                permits
            })
        };
        let mut permits = Vec::new();
        for task in (0..64).map(call).collect::<Vec<_>>() {
            permits.extend(task.await.unwrap());
        }
        assert_eq!(permits.len(), most);
    }
}

/// A call that is out until it is done, or aborted.
struct Out(Arc<AtomicU64>);

impl Drop for Out {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_gives_up_holds_up_nobody_and_slots_are_never_too_many() {
    let limits = [
        Limit::token_bucket(100, Micros::new(20_000)).unwrap(),
        Limit::concurrency(8, Micros::HOUR).unwrap(),
    ];
    let pacer = Pacer::with(limits, PacerConfig::default());
    let out = Arc::new(AtomicU64::new(0));
    let call = |number: u64| {
        let (pacer, out) = (pacer.clone(), Arc::clone(&out));
        let call = tokio::spawn(async move {
            let _permit = pacer.until_ready().await.unwrap();
            let out = Out(out);
            assert!(out.0.fetch_add(1, Ordering::SeqCst) < 8);
            tokio::task::yield_now().await;
        });
        (number, call)
    };
    for (number, call) in (0..900).map(call).collect::<Vec<_>>() {
        if number % 3 == 0 {
            call.abort();
        }
        assert!(call.await.is_ok() || number % 3 == 0);
    }
    assert!(pacer.try_ready().is_ok() || pacer.until_ready().await.is_ok());
}
