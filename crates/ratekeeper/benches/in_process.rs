//! The in-process check beside governor's keyed limiter, in one run: read the ratio, not the nanoseconds.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::num::NonZeroU32;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ratekeeper::{Limit, Limiter, Micros};

const KEYS: usize = 1_000_000;

fn keys() -> Vec<String> {
    (0..KEYS).map(|number| format!("user:{number:09}")).collect()
}

/// A fixed sequence of indices without a pattern that a prefetcher could learn.
fn scattered(index: &mut usize) -> usize {
    *index = index.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*index >> 33) % KEYS
}

fn ratekeeper_limiter() -> Limiter {
    Limiter::new(Limit::token_bucket(1_000_000_000, Micros::SECOND).unwrap())
}

fn governor_limiter() -> DefaultKeyedRateLimiter<String> {
    RateLimiter::keyed(Quota::per_second(NonZeroU32::new(1_000_000_000).unwrap()))
}

fn hot_key(c: &mut Criterion) {
    let mut group = c.benchmark_group("hot_key");
    group.throughput(Throughput::Elements(1));
    let (ours, theirs, key) = (ratekeeper_limiter(), governor_limiter(), "user:000000001".to_owned());
    group.bench_function("ratekeeper", |b| b.iter(|| ours.check(black_box(&key)).unwrap().allowed));
    group.bench_function("governor", |b| b.iter(|| theirs.check_key(black_box(&key)).is_ok()));
    group.finish();
}

fn hot_denial(c: &mut Criterion) {
    let mut group = c.benchmark_group("hot_denial");
    group.throughput(Throughput::Elements(1));
    let ours = Limiter::new(Limit::token_bucket(1, Micros::HOUR).unwrap());
    let theirs: DefaultKeyedRateLimiter<String> =
        RateLimiter::keyed(Quota::per_hour(NonZeroU32::new(1).unwrap()));
    let key = "user:000000001".to_owned();
    group.bench_function("ratekeeper", |b| b.iter(|| ours.check(black_box(&key)).unwrap().allowed));
    group.bench_function("governor", |b| b.iter(|| theirs.check_key(black_box(&key)).is_ok()));
    group.finish();
}

fn million_keys(c: &mut Criterion) {
    let mut group = c.benchmark_group("million_keys");
    group.throughput(Throughput::Elements(1));
    let keys = keys();
    let (ours, theirs) = (ratekeeper_limiter(), governor_limiter());
    for key in &keys {
        assert!(ours.check(key).unwrap().allowed);
        assert!(theirs.check_key(key).is_ok());
    }
    let mut index = 1;
    group.bench_function(BenchmarkId::from_parameter("ratekeeper"), |b| {
        b.iter(|| ours.check(black_box(&keys[scattered(&mut index)])).unwrap().allowed);
    });
    let mut index = 1;
    group.bench_function(BenchmarkId::from_parameter("governor"), |b| {
        b.iter(|| theirs.check_key(black_box(&keys[scattered(&mut index)])).is_ok());
    });
    group.finish();
}

criterion_group!(benches, hot_key, hot_denial, million_keys);
criterion_main!(benches);
