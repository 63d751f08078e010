//! Checks beside the plain commands of the same client, against one memcached with one thread.
//!
//! `cargo bench -p ratekeeper-memcached`. All are measured in turn, many times over, and each beside the plain
//! command of the same round: figures drift from machine to machine and with what else it does, their ratios hardly. Where there
//! are two processors, the server runs on the first and this program on the second. `testservers::bench` says what the
//! environment sets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
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

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::{Address, Node};
use ratekeeper_core::{Key, Limit, MAX_SPAN, Micros};
use ratekeeper_memcached::MemcachedStore;
use ratekeeper_store::{Coalesce, CoalesceConfig, Store, StoreError, StoreExt as _};
use testservers::bench::{Keys, Round, Table, Watch};
use testservers::{Memcached, usage};
use tokio::runtime::Builder;

/// What is measured.
#[derive(Clone)]
enum Subject {
    /// The command that a fixed window costs, by itself.
    Increment(Arc<Node>),
    Store(Arc<dyn Store>, Limit),
}

impl Subject {
    /// Whether it was decided.
    async fn call(&self, key: &str) -> bool {
        match self {
            Self::Increment(node) => {
                let command = format!("ma bench:i:{key} N3600 J1 D1 v\r\n").into_bytes();
                node.ask(command).await.is_ok()
            }
            Self::Store(store, limit) => {
                match store.take(Key::new(key.as_bytes()).unwrap(), limit, 1).await {
                    Ok(_) => true,
                    Err(StoreError::Contended { .. }) => false,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

fn main() {
    // Only `cargo bench` says so.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    _ = usage::pin(std::process::id(), 1);
    let server = Memcached::with(&["-m", "512", "-t", "1"]);
    _ = usage::pin(server.pid(), 0);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure_all(&server));
}

async fn measure_all(server: &Memcached) {
    let mut table = Table::new("memcached");
    let keys = Keys::uniform(table.keys, table.seed);
    let (zipf, hot) = (Keys::zipf(table.keys, table.seed), Keys::uniform(1, table.seed));
    let url = format!("memcached://{}?prefix=bench:", server.address());
    let node = Node::new(Address::Tcp(server.address().to_string()), None, Duration::from_secs(5)).unwrap();
    let increment = Subject::Increment(Arc::new(node));
    let bare: Arc<dyn Store> = Arc::new(MemcachedStore::new(&url).unwrap());
    let coalesced: Arc<dyn Store> =
        Arc::new(Coalesce::new(MemcachedStore::new(&url).unwrap(), CoalesceConfig::default()));
    let window = Limit::fixed_window(1 << 40, MAX_SPAN).unwrap();
    let used_up = Limit::fixed_window(1, MAX_SPAN).unwrap();
    let bucket = Limit::token_bucket(1 << 40, MAX_SPAN).unwrap();
    let mut subjects = Vec::new();
    for callers in [1, 50] {
        let floor = table.subject("increment", callers, None);
        subjects.push((increment.clone(), keys.clone(), callers));
        for (name, limit, keys) in [
            ("fixed window", &window, &keys),
            ("fixed window, Zipf", &window, &zipf),
            ("fixed window, nearly all refused", &used_up, &keys),
            ("token bucket", &bucket, &keys),
        ] {
            for (how, store) in [("", &bare), (", coalesced", &coalesced)] {
                table.subject(format!("{name}{how}"), callers, Some(floor));
                subjects.push((Subject::Store(Arc::clone(store), limit.clone()), keys.clone(), callers));
            }
        }
    }
    let floor = table.subject("one key: increment", 50, None);
    subjects.push((increment, hot.clone(), 50));
    for (name, limit) in [("fixed window", &window), ("token bucket", &bucket)] {
        for (how, store) in [("", &bare), (", coalesced", &coalesced)] {
            table.subject(format!("one key: {name}{how}"), 50, Some(floor));
            subjects.push((Subject::Store(Arc::clone(store), limit.clone()), hot.clone(), 50));
        }
    }
    for place in table.order() {
        let (subject, keys, callers) = &subjects[place];
        let round = measure(server, subject, keys, *callers, table.span).await;
        table.add(place, round);
    }
    table.finish();
    prove(&coalesced).await;
}

/// Asks for as long as the round takes.
async fn measure(
    server: &Memcached,
    subject: &Subject,
    keys: &Keys,
    callers: usize,
    span: Duration,
) -> Round {
    let (conflicts, undecided) = (stat(server, "cas_badval"), Arc::new(AtomicU64::new(0)));
    let pids = [server.pid()];
    let (watch, end) = (Watch::start(&pids), Instant::now() + span);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (subject, keys, undecided) = (subject.clone(), keys.clone(), Arc::clone(&undecided));
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                if subject.call(keys.next()).await {
                    latencies.push(begun.elapsed());
                } else {
                    undecided.fetch_add(1, Ordering::Relaxed);
                }
            }
            latencies
        });
    }
    let latencies: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let checks = latencies.len();
    let mut round = watch.stop(checks, latencies);
    let conflicts = stat(server, "cas_badval") - conflicts;
    round.more.push(("conflicts a check", conflicts as f64 / checks as f64));
    round.more.push(("undecided", undecided.load(Ordering::Relaxed) as f64));
    round
}

/// A number of the server's statistics.
fn stat(server: &Memcached, name: &str) -> u64 {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"stats\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| line != "END");
    lines
        .find_map(|line| line.strip_prefix("STAT ")?.strip_prefix(name)?.trim().parse().ok())
        .unwrap()
}

/// Asks for twice of what a hundred keys have, and counts: nothing is admitted beyond the limits. What a refusal has taken for a
/// moment may refuse others, so it may be fewer.
async fn prove(store: &Arc<dyn Store>) {
    const CAPACITY: u64 = 50;
    let mut tasks = tokio::task::JoinSet::new();
    for limit in [
        Limit::fixed_window(CAPACITY, MAX_SPAN),
        Limit::token_bucket(CAPACITY, Micros::DAY),
    ] {
        let limit = limit.unwrap();
        for _ in 0..200 {
            let (store, limit) = (Arc::clone(store), limit.clone());
            tasks.spawn(async move {
                let mut admitted = 0;
                for number in 0..100 {
                    let key = format!("exact:{limit}:{number}");
                    let verdict = store.take(Key::new(key.as_bytes()).unwrap(), &limit, 1).await;
                    admitted += u64::from(verdict.unwrap().allowed);
                }
                admitted
            });
        }
    }
    let admitted: u64 = tasks.join_all().await.into_iter().sum();
    assert!(admitted <= 2 * 100 * CAPACITY, "{admitted} admitted");
    println!(
        "exact: 40000 checks on 200 keys of {CAPACITY}: {admitted} of {} admitted",
        2 * 100 * CAPACITY
    );
}
