//! Checks beside the plain commands of the same client, against one memcached with one thread.
//!
//! `cargo bench -p ratekeeper-memcached`. All are measured in turn, several times over, and the medians are compared:
//! the figures drift from machine to machine, their ratios hardly.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures time, prints, and fails by panicking"
)]

#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the crate's own client, of which this uses a part"
)]
#[path = "../src/client/mod.rs"]
mod client;

use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Address, Node};
use ratekeeper_core::{Key, Limit, MAX_SPAN};
use ratekeeper_memcached::MemcachedStore;
use ratekeeper_store::{Coalesce, CoalesceConfig, Store, StoreError, StoreExt as _};
use testservers::Memcached;
use tokio::runtime::{Builder, Runtime};

const ROUNDS: usize = 7;
const SPAN: Duration = Duration::from_millis(700);
const KEYS: u64 = 100_000;

/// Something to do again and again, by the number of the caller and of the call; says whether it worked.
trait Work: Send + Sync + 'static {
    fn call(&self, number: u64) -> impl Future<Output = bool> + Send;
}

/// The command that a fixed window costs, by itself.
struct Increment(Node, u64);

impl Work for Increment {
    async fn call(&self, number: u64) -> bool {
        let key = number % self.1;
        let command = format!("ma bench:s:rule:1m:{key:08} N3600 J1 D1 v\r\n").into_bytes();
        self.0.ask(command).await.is_ok()
    }
}

struct Check<S> {
    store: S,
    limit: Limit,
    keys: u64,
}

impl<S: Store + 'static> Work for Check<S> {
    async fn call(&self, number: u64) -> bool {
        let key = format!("rule:1m:{:08}", number % self.keys);
        match self.store.take(Key::new(key.as_bytes()).unwrap(), &self.limit, 1).await {
            Ok(verdict) => verdict.allowed,
            Err(StoreError::Contended { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Calls a second that worked.
fn measure(runtime: &Runtime, work: &Arc<impl Work>, callers: u64) -> f64 {
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let work = Arc::clone(work);
            runtime.spawn(async move {
                let (mut worked, mut number) = (0_u32, caller * 7919);
                while start.elapsed() < SPAN {
                    worked += u32::from(work.call(spread(number)).await);
                    number += callers;
                }
                worked
            })
        })
        .collect();
    let worked: u32 = tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).sum();
    f64::from(worked) / start.elapsed().as_secs_f64()
}

/// Keys in no order.
fn spread(number: u64) -> u64 {
    (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

fn main() {
    // Only `cargo bench` says so.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let server = Memcached::with(&["-m", "512", "-t", "1"]);
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _inside = runtime.enter();
    let url = format!("memcached://{}?prefix=bench:", server.address());
    let node =
        || Node::new(Address::Tcp(server.address().to_string()), None, Duration::from_secs(5)).unwrap();
    let store = || MemcachedStore::new(&url).unwrap();
    let coalesced = || Coalesce::new(store(), CoalesceConfig::default());
    let window = Limit::fixed_window(1 << 40, MAX_SPAN).unwrap();
    let bucket = Limit::token_bucket(1 << 40, MAX_SPAN).unwrap();
    let increment = Arc::new(Increment(node(), KEYS));
    let hot_increment = Arc::new(Increment(node(), 1));
    let windows = Arc::new(Check { store: store(), limit: window.clone(), keys: KEYS });
    let buckets = Arc::new(Check { store: store(), limit: bucket.clone(), keys: KEYS });
    let windows_coalesced = Arc::new(Check { store: coalesced(), limit: window.clone(), keys: KEYS });
    let buckets_coalesced = Arc::new(Check { store: coalesced(), limit: bucket.clone(), keys: KEYS });
    let hot_window = Arc::new(Check { store: coalesced(), limit: window.clone(), keys: 1 });
    let hot_bucket = Arc::new(Check { store: coalesced(), limit: bucket.clone(), keys: 1 });
    let hot_bare = Arc::new(Check { store: store(), limit: bucket, keys: 1 });
    type Measured<'m> = (&'m str, Box<dyn Fn() -> f64 + 'm>);
    let cases: Vec<Measured<'_>> = vec![
        ("increment, 1 caller", Box::new(|| measure(&runtime, &increment, 1))),
        ("fixed window, 1 caller", Box::new(|| measure(&runtime, &windows, 1))),
        ("increment, 50 callers", Box::new(|| measure(&runtime, &increment, 50))),
        ("fixed window, 50 callers", Box::new(|| measure(&runtime, &windows, 50))),
        (
            "fixed window, 50 callers, coalesced",
            Box::new(|| measure(&runtime, &windows_coalesced, 50)),
        ),
        ("token bucket, 1 caller", Box::new(|| measure(&runtime, &buckets, 1))),
        ("token bucket, 50 callers", Box::new(|| measure(&runtime, &buckets, 50))),
        (
            "token bucket, 50 callers, coalesced",
            Box::new(|| measure(&runtime, &buckets_coalesced, 50)),
        ),
        ("one key: increment, 50 callers", Box::new(|| measure(&runtime, &hot_increment, 50))),
        (
            "one key: fixed window, 50 callers, coalesced",
            Box::new(|| measure(&runtime, &hot_window, 50)),
        ),
        (
            "one key: token bucket, 50 callers, coalesced",
            Box::new(|| measure(&runtime, &hot_bucket, 50)),
        ),
        ("one key: token bucket, 50 callers, bare", Box::new(|| measure(&runtime, &hot_bare, 50))),
    ];
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for (case, rates) in cases.iter().zip(&mut rates) {
            rates.push(case.1());
        }
    }
    let median = |rates: &Vec<f64>| {
        let mut sorted = rates.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let (single, many) = (median(&rates[0]), median(&rates[2]));
    for ((name, _), rates) in cases.iter().zip(&rates) {
        let rate = median(rates);
        let base = if name.contains("1 caller") { single } else { many };
        println!("{name:48} {rate:9.0}/s  {:4.0} % of the increment", 100.0 * rate / base);
    }
}
