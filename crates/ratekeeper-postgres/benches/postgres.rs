//! Checks a second against the least that a server can do: `cargo bench -p ratekeeper-postgres`.
//!
//! One private server, everything in one run on the same machine: compare ratios. The last columns are what a check takes of
//! processors, of this process and of the server's: they say what is possible where others are busy too.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "a measurement reads the clock, computes with it, and prints"
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ratekeeper_core::{Key, Limit, Micros, Op};
use ratekeeper_postgres::PostgresStore;
use ratekeeper_store::{Batch, Check, Coalesce, CoalesceConfig, Store, StoreExt as _};
use testservers::{Pooler, Postgres};
use tokio_postgres::NoTls;

const KEYS: usize = 100_000;

/// How long each row of the table is measured.
fn span() -> Duration {
    Duration::from_millis(std::env::var("BENCH_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(2000))
}

fn main() {
    // `cargo test` runs benchmarks that have no harness, too.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let server = Postgres::with(&["shared_buffers=256MB"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        println!(
            "{:<40} {:>9} {:>8} {:>8} {:>8} {:>8}",
            "", "checks/s", "p50 us", "p99 us", "own us", "server"
        );
        floor(&server).await;
        let pooler = Pooler::in_front_of(&server);
        for (name, url) in [
            ("", format!("{}?schema=direct", server.url())),
            ("prepared, ", format!("{}?schema=direct&prepare=yes", server.url())),
            ("pgbouncer, ", format!("{}?schema=pooled", pooler.url())),
        ] {
            for (connections, batch) in [(1, 1), (1, 50), (1, 128), (4, 50), (4, 128)] {
                let url = format!("{url}&connections={connections}");
                let store = Arc::new(PostgresStore::new(&url).unwrap());
                let name = format!("{name}{connections} connections, batches of {batch}");
                batches(&name, store, connections, batch, 1).await;
            }
        }
        let url = format!("{}?schema=direct", server.url());
        let store = Arc::new(PostgresStore::new(&url).unwrap());
        batches("4 connections, 50 units of 2 checks", store, 4, 50, 2).await;
        for callers in [1, 16, 64, 200] {
            let inner = PostgresStore::new(&url).unwrap();
            let store = Arc::new(Coalesce::new(inner, CoalesceConfig::default()));
            coalesced(store, callers).await;
        }
    });
}

fn limit(index: usize) -> Limit {
    if index.is_multiple_of(2) {
        Limit::token_bucket(1_000_000, Micros::SECOND).unwrap()
    } else {
        Limit::sliding_window(1_000_000, Micros::MINUTE).unwrap()
    }
}

fn check<'a>(key: &'a str, limits: &'a [Limit; 2]) -> Check<'a> {
    Check::new(Key::new(key.as_bytes()).unwrap(), of_key(key, limits), 1)
}

/// A key has the same limit each time.
fn of_key<'l>(key: &str, limits: &'l [Limit; 2]) -> &'l Limit {
    &limits[usize::from(key.as_bytes()[key.len() - 2] & 1)]
}

fn key(random: u64) -> String {
    format!("login:1m:{{11:203.0.{:05}}}", random % KEYS as u64)
}

/// A number that follows on another, and looks like chance.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 20
}

/// Runs `work` in so many tasks until the time is over; it returns how many checks it made.
async fn measure<F>(name: &str, tasks: usize, work: impl Fn(u64) -> F)
where
    F: Future<Output = Vec<(Duration, usize)>> + Send + 'static,
{
    let before = processor_times();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..tasks).map(|task| tokio::spawn(work(task as u64 * 7919 + 1))).collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    let checks = all.iter().map(|(_, checks)| checks).sum::<usize>() as f64;
    let rate = checks / begun.elapsed().as_secs_f64();
    let (mut own, mut server) = (0, 0);
    for (process, ticks) in processor_times() {
        let used = ticks - before.get(&process).unwrap_or(&0);
        *(if process == std::process::id() {
            &mut own
        } else {
            &mut server
        }) += used;
    }
    let [own, server] = [own, server].map(|ticks| ticks as f64 * 10_000.0 / checks);
    all.sort();
    let quantile = |part: usize| all[(all.len() - 1) * part / 100].0.as_micros();
    let (half, most) = (quantile(50), quantile(99));
    println!("{name:<40} {rate:>9.0} {half:>8} {most:>8} {own:>8.1} {server:>8.1}");
}

/// How many hundredths of a second this process and all below it have run.
fn processor_times() -> HashMap<u32, u64> {
    let mut all = HashMap::new();
    let me = std::process::id();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let (Some(id), Some((_, rest))) = (
            entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()),
            stat.rsplit_once(") "),
        ) else {
            continue;
        };
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |index: usize| fields[index].parse::<u64>().unwrap_or(0);
        all.insert(id, (u32::try_from(number(1)).unwrap_or(0), number(11) + number(12)));
    }
    let is_ours = |id: &u32| {
        let parents = std::iter::successors(Some(*id), |id| all.get(id).map(|(parent, _)| *parent));
        parents.take(8).any(|id| id == me)
    };
    let ours = all.iter().filter(|(id, _)| is_ours(id));
    ours.map(|(id, (_, ticks))| (*id, *ticks)).collect()
}

/// The least: one upsert a check.
async fn floor(server: &Postgres) {
    server.psql("CREATE UNLOGGED TABLE floor (key text PRIMARY KEY, n bigint) WITH (fillfactor = 60)");
    for clients in [1, 4, 16] {
        let url = server.url();
        measure(&format!("floor: {clients} clients, one upsert each"), clients, move |seed| {
            let url = url.clone();
            async move {
                let (client, driver) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                tokio::spawn(driver);
                let sql = "INSERT INTO floor AS f VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET n = f.n + 1 \
                           RETURNING n";
                let statement = client.prepare(sql).await.unwrap();
                let (mut seed, mut times, end) = (seed, Vec::new(), Instant::now() + span());
                while Instant::now() < end {
                    let begun = Instant::now();
                    client.query_one(&statement, &[&key(next(&mut seed))]).await.unwrap();
                    times.push((begun.elapsed(), 1));
                }
                times
            }
        })
        .await;
    }
}

/// One task for each connection makes calls of so many units.
async fn batches(name: &str, store: Arc<PostgresStore>, connections: usize, units: usize, checks: usize) {
    let lanes = Arc::new(AtomicUsize::new(0));
    measure(name, connections, move |seed| {
        let (store, lane) = (Arc::clone(&store), lanes.fetch_add(1, Ordering::Relaxed) as u64);
        async move {
            let limits = [limit(0), limit(1)];
            let (mut seed, mut times, end) = (seed, Vec::new(), Instant::now() + span());
            while Instant::now() < end {
                let keys: Vec<String> = keys(&store, lane, units * checks, &mut seed);
                let mut batch = Batch::new();
                for keys in keys.chunks(checks) {
                    batch.push(Op::Take, keys.iter().map(|key| check(key, &limits)));
                }
                let begun = Instant::now();
                store.apply(&mut batch).wait().await.unwrap();
                times.push((begun.elapsed(), units * checks));
            }
            times
        }
    })
    .await;
}

/// Keys of one lane, each once.
fn keys(store: &PostgresStore, lane: u64, count: usize, seed: &mut u64) -> Vec<String> {
    let mut keys = Vec::new();
    while keys.len() < count {
        let key = key(next(seed));
        if store.lane(Key::new(key.as_bytes()).unwrap()) == lane && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Callers of one check each, gathered into batches.
async fn coalesced(store: Arc<Coalesce<PostgresStore>>, callers: usize) {
    measure(&format!("coalesced, {callers} callers"), callers, move |seed| {
        let store = Arc::clone(&store);
        async move {
            let limits = [limit(0), limit(1)];
            let (mut seed, mut times, end) = (seed, Vec::new(), Instant::now() + span());
            while Instant::now() < end {
                let key = key(next(&mut seed));
                let limit = of_key(&key, &limits);
                let begun = Instant::now();
                store.take(Key::new(key.as_bytes()).unwrap(), limit, 1).await.unwrap();
                times.push((begun.elapsed(), 1));
            }
            times
        }
    })
    .await;
}
