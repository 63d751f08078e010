//! The line: in order, bounded, left without a trace.

use std::future::{IntoFuture, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratekeeper_core::{Limit, Micros};
use ratekeeper_outbound::{PaceError, Pacer, PacerConfig};
use tokio::runtime::Builder;
use tokio::time::{Instant, advance, sleep, timeout};

use super::{one_per_second, seconds_since, too_long};

#[tokio::test(start_paused = true)]
async fn calls_go_in_the_order_in_which_they_came_and_wake_nobody_else() {
    let pacer = one_per_second(PacerConfig::default());
    let (order, start) = (Arc::new(Mutex::new(Vec::new())), Instant::now());
    let mut calls = Vec::new();
    for number in 0..50 {
        let (turn, order) = (pacer.until_ready().into_future(), Arc::clone(&order));
        calls.push(tokio::spawn(async move {
            let (mut turn, mut polls) = (turn, 0);
            let permit = poll_fn(|context| {
                polls += 1;
                turn.as_mut().poll(context)
            });
            let permit = permit.await.unwrap();
            assert_eq!(permit.waited().as_secs(), seconds_since(start));
            order.lock().unwrap().push((number, seconds_since(start)));
            polls
        }));
        tokio::task::yield_now().await;
    }
    for (number, call) in calls.into_iter().enumerate() {
        let polls = call.await.unwrap();
        assert_eq!(polls, if number == 0 { 1 } else { 2 }, "once to come, once to go");
    }
    assert_eq!(*order.lock().unwrap(), (0..50).map(|number| (number, number)).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn all_limits_hold_together() {
    let limits = [
        Limit::token_bucket(2, Micros::SECOND).unwrap(),
        Limit::sliding_log(5, Micros::MINUTE).unwrap(),
    ];
    let pacer =
        Pacer::with(limits, PacerConfig { max_wait: Duration::from_secs(3600), ..PacerConfig::default() });
    let (start, mut went) = (Instant::now(), Vec::new());
    for _ in 0..11 {
        let _permit = pacer.until_ready().await.unwrap();
        went.push(seconds_since(start));
    }
    // Two at once, one every half second, until the minute's five are used up.
    assert_eq!(went, [0, 0, 0, 1, 1, 60, 60, 60, 61, 61, 120]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_spaces_calls_and_bounds_the_wait() {
    let pacer = Pacer::new(Limit::leaky_queue(1, Micros::SECOND, Micros::from_secs(2)).unwrap());
    let start = Instant::now();
    let mut calls: Vec<_> = (0..4).map(|_| tokio::spawn(pacer.until_ready().into_future())).collect();
    let refused = calls.pop().unwrap().await.unwrap().unwrap_err();
    assert_eq!(too_long(&refused), Duration::from_secs(3));
    for (number, call) in (0..).zip(calls) {
        assert_eq!(call.await.unwrap().unwrap().waited().as_secs(), number);
    }
    assert_eq!(seconds_since(start), 2);
}

#[tokio::test(start_paused = true)]
async fn the_line_is_bounded_and_says_how_long_it_would_have_taken() {
    let pacer = one_per_second(PacerConfig { max_waiting: 3, ..PacerConfig::default() });
    let _first = pacer.try_ready().unwrap();
    assert_eq!(too_long(&pacer.try_ready().unwrap_err()), Duration::from_secs(1));
    let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(pacer.until_ready().into_future())).collect();
    tokio::task::yield_now().await;
    let full = pacer.until_ready().await.unwrap_err();
    assert_eq!(full, PaceError::Full { waiting: 3, wait: Duration::from_secs(4) });
    let costly = pacer.until_ready().cost(2).await.unwrap_err();
    assert_eq!(costly, PaceError::TooCostly { cost: 2, most: 1 });
    assert_eq!(
        too_long(&pacer.try_ready().unwrap_err()),
        Duration::from_secs(4),
        "it goes after those who wait"
    );
    for call in waiting {
        drop(call.await.unwrap().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_foreseen_is_forgotten_when_it_is_over() {
    let pacer = Pacer::new(Limit::token_bucket(1, Micros::from_secs(10)).unwrap());
    drop(pacer.try_ready().unwrap());
    assert_eq!(too_long(&pacer.try_ready().unwrap_err()).as_secs(), 10);
    advance(Duration::from_secs(10)).await;
    drop(pacer.try_ready().unwrap());
    assert_eq!(too_long(&pacer.try_ready().unwrap_err()).as_secs(), 10);
    let waiting = tokio::spawn(pacer.until_ready().into_future());
    tokio::task::yield_now().await;
    assert_eq!(too_long(&pacer.try_ready().unwrap_err()).as_secs(), 20);
    drop(waiting.await.unwrap().unwrap());
    assert_eq!(too_long(&pacer.try_ready().unwrap_err()).as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn what_would_come_too_late_fails_at_once() {
    let pacer = one_per_second(PacerConfig { max_wait: Duration::from_secs(5), ..PacerConfig::default() });
    let start = Instant::now();
    let calls: Vec<_> = (0..6).map(|_| tokio::spawn(pacer.until_ready().into_future())).collect();
    tokio::task::yield_now().await;
    for (within, most) in [(3, 3), (60, 5)] {
        let error = pacer.until_ready().within(Duration::from_secs(within)).await.unwrap_err();
        let (wait, most) = (Duration::from_secs(6), Duration::from_secs(most));
        assert_eq!(error, PaceError::TooLong { wait, most });
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    for call in calls {
        drop(call.await.unwrap().unwrap());
    }
    assert_eq!(seconds_since(start), 5);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_leaves_the_line_and_takes_nothing() {
    let pacer = one_per_second(PacerConfig::default());
    let start = Instant::now();
    let _first = pacer.until_ready().await.unwrap();
    let given_up: Vec<_> = (0..20).map(|_| tokio::spawn(pacer.until_ready().into_future())).collect();
    tokio::task::yield_now().await;
    let last = tokio::spawn(pacer.until_ready().into_future());
    tokio::task::yield_now().await;
    for call in given_up {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
    // Known to take a second again, and so worth waiting for.
    let next = pacer.until_ready().within(Duration::from_secs(2));
    assert_eq!(last.await.unwrap().unwrap().waited().as_secs(), 1);
    drop(next.await.unwrap());
    assert_eq!(seconds_since(start), 2);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_nobody_takes_goes_to_the_next() {
    let pacer = Pacer::with(
        [
            Limit::token_bucket(1, Micros::SECOND).unwrap(),
            Limit::concurrency(1, Micros::HOUR).unwrap(),
            Limit::fixed_window(3, Micros::DAY).unwrap(),
        ],
        PacerConfig::default(),
    );
    drop(pacer.until_ready().await.unwrap());
    // Let go while nobody polls it, and dropped then.
    let mut unpolled = pacer.until_ready().into_future();
    assert!(timeout(Duration::ZERO, &mut unpolled).await.is_err());
    sleep(Duration::from_millis(1500)).await;
    assert!(too_long(&pacer.try_ready().unwrap_err()) > Duration::ZERO, "it has gone");
    drop(unpolled);
    drop(pacer.try_ready().unwrap());
    advance(Duration::from_secs(1)).await;
    drop(pacer.try_ready().unwrap());
    advance(Duration::from_secs(1)).await;
    assert!(too_long(&pacer.try_ready().unwrap_err()) > Duration::from_secs(1), "three a day");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_polled_does_not_hold_up_the_others() {
    let pacer = one_per_second(PacerConfig::default());
    let _first = pacer.until_ready().await.unwrap();
    let mut unpolled = pacer.until_ready().into_future();
    assert!(timeout(Duration::ZERO, &mut unpolled).await.is_err());
    assert_eq!(pacer.until_ready().await.unwrap().waited().as_secs(), 2);
    assert_eq!(unpolled.await.unwrap().waited().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn slots_are_held_by_permits() {
    let pacer = Pacer::new(Limit::concurrency(2, Micros::HOUR).unwrap());
    let (start, running, most) =
        (Instant::now(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let call = |_| {
        let (pacer, running, most) = (pacer.clone(), Arc::clone(&running), Arc::clone(&most));
        tokio::spawn(async move {
            let _permit = pacer.until_ready().await.unwrap();
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            sleep(Duration::from_secs(1)).await;
            running.fetch_sub(1, Ordering::Relaxed);
        })
    };
    for call in (0..10).map(call).collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!((most.load(Ordering::Relaxed), seconds_since(start)), (2, 5));
    assert!(pacer.try_ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_turns_out_longer_ends_in_time() {
    let pacer = Pacer::new(Limit::concurrency(1, Micros::HOUR).unwrap());
    let _held = pacer.try_ready().unwrap();
    let error = pacer.until_ready().within(Duration::from_secs(7)).await.unwrap_err();
    assert_eq!(too_long(&error).as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn jitter_makes_waits_longer_and_never_shorter() {
    let jitter = Duration::from_millis(500);
    let mut waits = Vec::new();
    for _ in 0..20 {
        let pacer = one_per_second(PacerConfig { jitter, ..PacerConfig::default() });
        let _first = pacer.until_ready().await.unwrap();
        waits.push(pacer.until_ready().await.unwrap().waited());
    }
    let within = Duration::from_secs(1)..=Duration::from_millis(1502);
    assert!(waits.iter().all(|wait| within.contains(wait)), "{waits:?}");
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 5, "{waits:?}");
}

#[test]
fn a_line_outlives_the_runtime_that_served_it() {
    let runtime = || Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (first, second) = (runtime(), runtime());
    let pacer = one_per_second(PacerConfig::default());
    drop(pacer.try_ready().unwrap());
    let mut here = pacer.until_ready().into_future();
    let mut there = pacer.until_ready().into_future();
    first.block_on(async { assert!(timeout(Duration::ZERO, &mut here).await.is_err()) });
    second.block_on(async { assert!(timeout(Duration::ZERO, &mut there).await.is_err()) });
    drop((here, first));
    drop(second.block_on(there).unwrap());
}

#[test]
fn outside_of_a_runtime_calls_go_or_do_not() {
    let pacer = one_per_second(PacerConfig::default());
    drop(pacer.try_ready().unwrap());
    assert!(matches!(pacer.try_ready(), Err(PaceError::TooLong { .. })));
    let mut turn = pacer.until_ready().into_future();
    let poll = turn.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(matches!(poll, std::task::Poll::Ready(Err(PaceError::NoRuntime))));
}
