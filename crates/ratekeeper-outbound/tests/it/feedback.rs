//! What peers say.

use std::future::IntoFuture;
use std::time::Duration;

use http::StatusCode;
use ratekeeper_core::{Limit, Micros};
use ratekeeper_outbound::{Pacer, PacerConfig, Permit};
use tokio::time::{Instant, advance};

use super::{headers, one_per_second, seconds_since, too_long};

const OK: StatusCode = StatusCode::OK;
const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;

/// A pacer whose own limit matters to no test.
fn fast(config: PacerConfig) -> Pacer {
    Pacer::with([Limit::token_bucket(1_000_000, Micros::SECOND).unwrap()], config)
}

fn go(pacer: &Pacer, calls: usize) -> Vec<Permit> {
    (0..calls).map(|_| pacer.try_ready().unwrap()).collect()
}

/// How many calls go at once.
fn ready(pacer: &Pacer) -> usize {
    std::iter::from_fn(|| pacer.try_ready().ok()).take(1000).collect::<Vec<_>>().len()
}

#[tokio::test(start_paused = true)]
async fn nobody_calls_before_the_instant_that_the_peer_names_and_then_one_finds_out() {
    let pacer = fast(PacerConfig::default());
    let start = Instant::now();
    pacer.try_ready().unwrap().observe(TOO_MANY, &headers(&[("retry-after", "30")]));
    assert_eq!(too_long(&pacer.try_ready().unwrap_err()).as_secs(), 30);
    let mut calls: Vec<_> = (0..5).map(|_| tokio::spawn(pacer.until_ready().into_future())).collect();
    let mut first = calls.remove(0).await.unwrap().unwrap();
    assert_eq!(seconds_since(start), 30);
    advance(Duration::from_secs(3)).await;
    assert!(calls.iter().all(|call| !call.is_finished()), "the others wait for what it hears");
    first.observe(OK, &headers(&[("ratelimit", "\"a\";r=2;t=60")]));
    let mut permits = vec![first];
    for call in calls.drain(..2) {
        permits.push(call.await.unwrap().unwrap());
    }
    advance(Duration::from_secs(3)).await;
    assert!(calls.iter().all(|call| !call.is_finished()), "there were two left");
    permits[2].observe(OK, &headers(&[("ratelimit", "\"a\";r=0;t=10")]));
    drop(permits);
    for call in calls {
        drop(call.await.unwrap().unwrap());
    }
    assert_eq!(seconds_since(start), 46);
}

#[tokio::test(start_paused = true)]
async fn a_hostile_peer_pauses_nobody_for_longer_than_is_set() {
    let pacer = fast(PacerConfig { longest_pause: Duration::from_secs(90), ..PacerConfig::default() });
    let fields = [
        ("retry-after", "315360000"),
        ("retry-after", "Tue, 01 Jan 2250 00:00:00 GMT"),
    ];
    for field in fields {
        pacer.try_ready().unwrap().observe(TOO_MANY, &headers(&[field]));
        assert_eq!(too_long(&pacer.try_ready().unwrap_err()).as_secs(), 90);
        advance(Duration::from_secs(90)).await;
    }
    pacer.try_ready().unwrap().observe(
        OK,
        &headers(&[
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "9999999999999999999999"),
        ]),
    );
    assert_eq!(too_long(&pacer.try_ready().unwrap_err()).as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_counts_those_that_the_peer_had_not_seen() {
    let pacer = fast(PacerConfig::default());
    let mut out = go(&pacer, 4);
    // The peer says seven. Three more are out, which it may or may not have counted.
    out[3].observe(OK, &headers(&[("x-ratelimit-remaining", "7")]));
    assert_eq!(ready(&pacer), 4);
    // One that went before says what was left before: that is old news, unless it is less.
    out[0].observe(OK, &headers(&[("x-ratelimit-remaining", "100")]));
    assert_eq!(ready(&pacer), 0);
    drop(out);
    let mut alone = pacer.try_ready().unwrap();
    assert!(pacer.try_ready().is_err());
    alone.observe(OK, &headers(&[("x-ratelimit-remaining", "100")]));
    assert_eq!(ready(&pacer), 100);
}

#[tokio::test(start_paused = true)]
async fn what_calls_cost_counts_where_the_peer_counts_it() {
    let pacer = fast(PacerConfig::default());
    let fields = [
        ("x-ratelimit-remaining-requests", "3"),
        ("x-ratelimit-remaining-tokens", "1000"),
    ];
    pacer.until_ready().cost(500).now().unwrap().observe(OK, &headers(&fields));
    let _first = pacer.until_ready().cost(900).now().unwrap();
    assert!(pacer.until_ready().cost(101).now().is_err());
    let _second = pacer.until_ready().cost(50).now().unwrap();
    let _third = pacer.until_ready().cost(0).now().unwrap();
    assert!(pacer.until_ready().cost(0).now().is_err(), "three requests are three");
}

#[tokio::test(start_paused = true)]
async fn peers_never_make_it_faster() {
    let pacer = one_per_second(PacerConfig::default());
    pacer
        .try_ready()
        .unwrap()
        .observe(OK, &headers(&[("ratelimit", "\"a\";r=1000;t=0"), ("retry-after", "0")]));
    assert_eq!(too_long(&pacer.try_ready().unwrap_err()).as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn refusals_without_a_time_pause_for_longer_and_longer_until_there_are_successes() {
    let config = PacerConfig {
        first_backoff: Duration::from_secs(2),
        longest_backoff: Duration::from_secs(16),
        ..PacerConfig::default()
    };
    let mut longest = [Duration::ZERO; 6];
    for _ in 0..200 {
        let pacer = fast(config.clone());
        for longest in &mut longest {
            let mut call = pacer.until_ready().await.unwrap();
            call.observe(StatusCode::SERVICE_UNAVAILABLE, &headers(&[]));
            *longest = too_long(&pacer.try_ready().unwrap_err()).max(*longest);
        }
        // One success for each refusal, and it begins anew.
        for _ in 0..6 {
            pacer.until_ready().await.unwrap().observe(OK, &headers(&[]));
        }
        pacer.until_ready().await.unwrap().observe(TOO_MANY, &headers(&[]));
        let again = pacer.try_ready().map_or_else(|error| too_long(&error), |_| Duration::ZERO);
        assert!(again <= config.first_backoff, "{again:?}");
    }
    for (longest, most) in longest.iter().zip([2, 4, 8, 16, 16, 16]) {
        let most = Duration::from_secs(most);
        assert!(*longest <= most && *longest > most / 2, "{longest:?} of {most:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_are_refused_together_are_one_refusal() {
    let config = PacerConfig { longest_backoff: Duration::from_secs(1000), ..PacerConfig::default() };
    for _ in 0..50 {
        let pacer = fast(config.clone());
        for mut call in go(&pacer, 20) {
            call.observe(TOO_MANY, &headers(&[]));
        }
        let wait = pacer.try_ready().map_or_else(|error| too_long(&error), |_| Duration::ZERO);
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_calls_come_back_slowly_where_the_peer_says_nothing() {
    let pacer = fast(PacerConfig::default());
    pacer.try_ready().unwrap().observe(TOO_MANY, &headers(&[("retry-after", "1")]));
    advance(Duration::from_secs(1)).await;
    let mut rounds = Vec::new();
    for _ in 0..7 {
        let mut out: Vec<_> = std::iter::from_fn(|| pacer.try_ready().ok()).take(500).collect();
        rounds.push(out.len());
        for call in &mut out {
            call.observe(OK, &headers(&[]));
        }
    }
    assert_eq!(rounds, [1, 2, 4, 8, 16, 32, 500]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_lets_the_next_one_find_out() {
    let pacer = Pacer::with([], PacerConfig::default());
    let first = pacer.try_ready().unwrap();
    assert!(pacer.try_ready().is_err(), "without limits one call finds out what there is");
    let next = tokio::spawn(pacer.until_ready().into_future());
    tokio::task::yield_now().await;
    drop(first);
    next.await.unwrap().unwrap().observe(OK, &headers(&[("ratelimit-remaining", "9")]));
    assert_eq!(ready(&pacer), 9);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_wait_for_the_end_of_a_pause_learns_it_at_once() {
    let pacer = one_per_second(PacerConfig::default());
    let start = Instant::now();
    drop(pacer.try_ready().unwrap());
    let waiting: Vec<_> = [5, 60]
        .map(|within| tokio::spawn(pacer.until_ready().within(Duration::from_secs(within)).into_future()))
        .into();
    tokio::task::yield_now().await;
    pacer.observe(TOO_MANY, &headers(&[("retry-after", "20")]));
    let mut waiting = waiting.into_iter();
    let error = waiting.next().unwrap().await.unwrap().unwrap_err();
    assert_eq!((too_long(&error).as_secs(), start.elapsed()), (20, Duration::ZERO));
    assert_eq!(waiting.next().unwrap().await.unwrap().unwrap().waited().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn what_another_saw_counts_too() {
    let pacer = fast(PacerConfig::default());
    let told = pacer.observe_for("host", OK, &headers(&[("x-ratelimit-remaining", "2")]));
    assert_eq!(told.quotas[0].remaining, 2);
    let out: Vec<_> = std::iter::from_fn(|| pacer.try_ready_for("host").ok()).take(10).collect();
    assert_eq!(out.len(), 2);
    assert_eq!(ready(&pacer), 1000, "of another key nothing was said");
}
