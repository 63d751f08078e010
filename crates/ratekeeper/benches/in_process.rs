//! The in-process check beside governor's keyed limiter, in one run: read the ratio, not the nanoseconds.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::num::NonZeroU32;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use ratekeeper::engine::{Attributes, Engine, Policy, Request};
use ratekeeper::{Limit, Limiter, Micros};

const KEYS: usize = 1_000_000;
/// So much that nothing is refused: a million a second, and a burst that no benchmark empties.
const RATE: u32 = 1_000_000;
const BURST: u32 = u32::MAX;

type Governor<S> = RateLimiter<String, DashMapStateStore<String, S>, DefaultClock>;

fn governor<S: Default + std::hash::BuildHasher + Clone>(quota: Quota) -> Governor<S> {
    RateLimiter::new(quota, DashMapStateStore::with_hasher(S::default()), DefaultClock::default())
}

fn generous() -> Quota {
    Quota::per_second(NonZeroU32::new(RATE).unwrap()).allow_burst(NonZeroU32::new(BURST).unwrap())
}

fn ratekeeper() -> Limiter {
    let limit = Limit::token_bucket(RATE.into(), Micros::SECOND).unwrap();
    Limiter::new(limit.with_burst(BURST.into()).unwrap())
}

fn keys() -> Vec<String> {
    (0..KEYS).map(|number| format!("user:{number:09}")).collect()
}

/// A fixed sequence of indices without a pattern that a prefetcher could learn.
fn scattered(index: &mut usize) -> usize {
    *index = index.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*index >> 33) % KEYS
}

fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    group
}

fn hot_key(c: &mut Criterion) {
    let key = "user:000000001".to_owned();
    let (ours, theirs, foldhash) = (
        ratekeeper(),
        governor::<std::hash::RandomState>(generous()),
        governor::<foldhash::fast::RandomState>(generous()),
    );
    let mut group = group(c, "hot_key");
    group.bench_function("ratekeeper", |b| b.iter(|| ours.check(black_box(&key)).unwrap().allowed));
    group.bench_function("governor", |b| b.iter(|| theirs.check_key(black_box(&key)).is_ok()));
    group.bench_function("governor_foldhash", |b| b.iter(|| foldhash.check_key(black_box(&key)).is_ok()));
}

fn hot_denial(c: &mut Criterion) {
    let key = "user:000000001".to_owned();
    let ours = Limiter::new(Limit::token_bucket(1, Micros::HOUR).unwrap());
    let theirs = governor::<std::hash::RandomState>(Quota::per_hour(NonZeroU32::new(1).unwrap()));
    let mut group = group(c, "hot_denial");
    group.bench_function("ratekeeper", |b| b.iter(|| ours.check(black_box(&key)).unwrap().allowed));
    group.bench_function("governor", |b| b.iter(|| theirs.check_key(black_box(&key)).is_ok()));
}

fn million_keys(c: &mut Criterion) {
    let keys = keys();
    let (ours, theirs, foldhash) = (
        ratekeeper(),
        governor::<std::hash::RandomState>(generous()),
        governor::<foldhash::fast::RandomState>(generous()),
    );
    for key in &keys {
        assert!(ours.check(key).unwrap().allowed);
        assert!(theirs.check_key(key).is_ok());
        assert!(foldhash.check_key(key).is_ok());
    }
    let mut group = group(c, "million_keys");
    let (mut first, mut second, mut third) = (1, 1, 1);
    group.bench_function("ratekeeper", |b| {
        b.iter(|| ours.check(black_box(&keys[scattered(&mut first)])).unwrap().allowed);
    });
    group.bench_function("governor", |b| {
        b.iter(|| theirs.check_key(black_box(&keys[scattered(&mut second)])).is_ok());
    });
    group.bench_function("governor_foldhash", |b| {
        b.iter(|| foldhash.check_key(black_box(&keys[scattered(&mut third)])).is_ok());
    });
}

/// Whole requests by a policy; no peer does the same.
fn policy(c: &mut Criterion) {
    let engine = |rules: &str| Engine::new(Policy::parse(rules, "bench.yaml", &|_| None).unwrap()).unwrap();
    let one =
        engine("rules: [{ name: per-client, key: [ip], limits: [ 1000000 per second burst 4000000000 ] }]");
    let three = engine(
        "rules:
          - { name: login, match: { methods: [POST], path: /login }, key: [ip], limits: [ 5 per minute ] }
          - { name: api, match: { path: '/api/{*rest}' }, key: [user], limits: [ 1000000 per second burst 4000000000, 100000000000 per day ] }
          - { name: all, limits: [ { rate: 1000000000 per hour, algorithm: sliding_window } ] }",
    );
    let request = Request::new(Attributes {
        ip: Some("203.0.113.7".parse().unwrap()),
        user: Some("alice"),
        method: Some("GET"),
        path: Some("/api/v1/orders"),
        ..Attributes::default()
    });
    let mut group = group(c, "policy");
    group.bench_function("one_rule", |b| b.iter(|| one.check_now(black_box(&request)).unwrap().allowed()));
    group.bench_function("three_rules", |b| {
        b.iter(|| three.check_now(black_box(&request)).unwrap().allowed());
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(std::time::Duration::from_secs(3));
    targets = hot_key, hot_denial, million_keys, policy
}
criterion_main!(benches);
