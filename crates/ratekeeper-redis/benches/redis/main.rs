//! How fast the store is beside a minimal script of the same client, on private servers: checks a second, latencies, and what
//! a check takes of the processors of server and client.
//!
//! `cargo bench -p ratekeeper-redis`, and `-- cluster` or `-- curves` for the other tables; `testservers::bench` says what the
//! environment sets. Where there are two processors, the servers run on the first and this program on the second. Compare
//! within one run: absolute figures differ between machines.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::disallowed_methods
)]

mod cluster;
mod curves;
mod exact;

use std::sync::Arc;
use std::time::Duration;

use ratekeeper_core::{Key, Limit, Micros, Op};
use ratekeeper_redis::RedisStore;
use ratekeeper_store::{Batch, Check, Coalesce, CoalesceConfig, Store, StoreExt as _, Wrappers};
use redis::Script;
use redis::aio::MultiplexedConnection;
use testservers::bench::{Keys, Round, Table, Watch};
use testservers::{Redis, usage};
use tokio::time::Instant;

/// Token bucket of one key: read, compare, write. Nothing else is checked or told.
const MINIMAL: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local x = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
if x - now > tonumber(ARGV[2]) then return {0, 0} end
redis.call('SET', KEYS[1], string.format('%.0f', x), 'PX', ARGV[3])
return {1, ARGV[2] - (x - now)}";

/// What is measured.
#[derive(Clone)]
enum Subject {
    Raw(MultiplexedConnection, Arc<Script>),
    Store(Arc<dyn Store>, Limit),
    /// So many units in one call.
    Batches(Arc<dyn Store>, Limit, usize),
}

fn main() {
    // `cargo test` runs benchmarks that have no harness, too.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    _ = usage::pin(std::process::id(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let asked = |word: &str| std::env::args().any(|argument| argument == word);
    runtime.block_on(async {
        if asked("cluster") {
            cluster::measure_all().await;
        } else if asked("curves") {
            curves::measure_all().await;
        } else {
            measure_all().await;
        }
    });
}

/// A server, on the first processor.
fn server() -> Redis {
    let server = Redis::start();
    _ = usage::pin(server.pid(), 0);
    server
}

fn store_at(url: &str) -> Arc<dyn Store> {
    Arc::new(RedisStore::new(url).unwrap())
}

fn coalesced(store: &Arc<dyn Store>) -> Arc<dyn Store> {
    Arc::new(Coalesce::new(Arc::clone(store), CoalesceConfig::default()))
}

/// A limit that is hardly ever reached.
fn bucket() -> Limit {
    Limit::token_bucket(1_000_000, Micros::MINUTE).unwrap()
}

async fn measure_all() {
    let server = server();
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let raw = Subject::Raw(connection, Arc::new(Script::new(MINIMAL)));
    let store = store_at(&format!("{}/?prefix=rk:", server.url()));
    let together = coalesced(&store);
    let wrapped: Arc<dyn Store> = Arc::new(Wrappers::default().wrap(Arc::clone(&store)));
    let mut table = Table::new("redis");
    let uniform = Keys::uniform(table.keys, table.seed);
    let zipf = Keys::zipf(table.keys, table.seed);
    let hot = Keys::uniform(1, table.seed);
    let mut subjects = Vec::new();
    let mut floor = None;
    for callers in [1, 50, 200] {
        floor = Some(table.subject("raw EVALSHA", callers, None));
        subjects.push((raw.clone(), callers, uniform.clone()));
        for (name, store) in [
            ("store", &store),
            ("coalesced", &together),
            ("all wrappers", &wrapped),
        ] {
            table.subject(name, callers, floor);
            subjects.push((Subject::Store(Arc::clone(store), bucket()), callers, uniform.clone()));
        }
    }
    let window = Limit::sliding_window(1_000_000, Micros::MINUTE).unwrap();
    let once = Limit::token_bucket(1, Micros::DAY).unwrap();
    // A key has the same limit each time.
    let others = |number| Keys::uniform(table.keys, table.seed + number);
    let others = [others(1), others(2)];
    for (name, limit, keys) in [
        ("coalesced, sliding window", window, &others[0]),
        ("coalesced, Zipf", bucket(), &zipf),
        ("coalesced, one key", bucket(), &hot),
        ("coalesced, nearly all refused", once, &others[1]),
    ] {
        table.subject(name, 200, floor);
        subjects.push((Subject::Store(Arc::clone(&together), limit), 200, keys.clone()));
    }
    for (units, callers) in [(64, 1), (64, 4), (128, 2)] {
        table.subject(format!("batches of {units}"), callers, floor);
        subjects.push((Subject::Batches(Arc::clone(&store), bucket(), units), callers, uniform.clone()));
    }
    for place in table.order() {
        let (subject, callers, keys) = &subjects[place];
        let round = measure(subject, *callers, keys, table.span, &[&server]).await;
        table.add(place, round);
    }
    table.finish();
    exact::prove(&coalesced(&store_at(&format!("{}/?prefix=exact:", server.url())))).await;
}

/// Asks for as long as the round takes.
async fn measure(
    subject: &Subject,
    callers: usize,
    keys: &Keys,
    span: Duration,
    servers: &[&Redis],
) -> Round {
    let pids: Vec<u32> = servers.iter().map(|server| server.pid()).collect();
    let calls = || servers.iter().map(|server| scripts_run(server)).sum::<f64>();
    let (watch, before) = (Watch::start(&pids), calls());
    let (start, mut tasks) = (Instant::now(), tokio::task::JoinSet::new());
    for _ in 0..callers {
        let (mut subject, keys) = (subject.clone(), keys.clone());
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while start.elapsed() < span {
                let before = Instant::now();
                subject.call(&keys).await;
                latencies.push(before.elapsed());
            }
            latencies
        });
    }
    let latencies: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let checks = latencies.len() * subject.checks();
    let mut round = watch.stop(checks, latencies);
    round.more.push(("checks a call", checks as f64 / (calls() - before)));
    round
}

/// How many scripts a server has run so far.
fn scripts_run(server: &Redis) -> f64 {
    let stats = server.command(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(0.0)
}

impl Subject {
    fn checks(&self) -> usize {
        match self {
            Self::Batches(_, _, units) => *units,
            _ => 1,
        }
    }

    async fn call(&mut self, keys: &Keys) {
        match self {
            Self::Raw(connection, script) => {
                let mut call = script.prepare_invoke();
                call.key(keys.next()).arg(60).arg(60_000_000).arg(120_000);
                let _: Vec<i64> = call.invoke_async(connection).await.unwrap();
            }
            Self::Store(store, limit) => {
                store.take(Key::new(keys.next().as_bytes()).unwrap(), limit, 1).await.unwrap();
            }
            Self::Batches(store, limit, units) => {
                let mut batch = Batch::new();
                for _ in 0..*units {
                    let key = Key::new(keys.next().as_bytes()).unwrap();
                    batch.push(Op::Take, [Check::new(key, limit, 1)]);
                }
                store.apply(&mut batch).wait().await.unwrap();
            }
        }
    }
}
