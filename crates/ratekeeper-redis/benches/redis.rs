//! How fast the store is beside a minimal script of the same client, on one private server: checks a second and latencies.
//!
//! `cargo bench -p ratekeeper-redis`. Compare within one run: absolute figures differ between machines.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::cast_precision_loss
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ratekeeper_core::{Key, Limit, Micros, Op};
use ratekeeper_redis::RedisStore;
use ratekeeper_store::{Answer, Batch, Capabilities, Check, Coalesce, CoalesceConfig, Store, StoreExt as _};
use redis::Script;
use redis::aio::MultiplexedConnection;
use testservers::Redis;
use tokio::time::Instant;

const KEYS: u64 = 100_000;
const ROUND: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 3;

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
    Store(Arc<dyn Store>),
    /// So many units in one call.
    Batches(Arc<dyn Store>, usize),
}

/// The store with another number of lanes.
#[derive(Debug)]
struct Lanes(Arc<dyn Store>, u64);

impl Store for Lanes {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        self.0.apply(batch)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn lane(&self, key: Key<'_>) -> u64 {
        key.bytes()
            .iter()
            .fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
            % self.1
    }
}

struct Measured {
    per_second: f64,
    median: Duration,
    slowest: Duration,
    /// What the server and the client spent on each check, in microseconds of their processors.
    cost: [f64; 2],
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure_all());
}

async fn measure_all() {
    let server = Redis::start();
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let raw = Subject::Raw(connection, Arc::new(Script::new(MINIMAL)));
    let store: Arc<dyn Store> = Arc::new(RedisStore::new(&format!("{}/?prefix=rk:", server.url())).unwrap());
    let together: Arc<dyn Store> = Arc::new(Coalesce::new(Arc::clone(&store), CoalesceConfig::default()));
    let mut table = Vec::new();
    for callers in [1, 50, 200] {
        table.push((format!("raw EVALSHA, {callers} callers"), raw.clone(), callers));
        table.push((format!("store, {callers} callers"), Subject::Store(Arc::clone(&store)), callers));
        table.push((format!("coalesced, {callers} callers"), Subject::Store(Arc::clone(&together)), callers));
    }
    for lanes in [1, 2, 4, 8] {
        let lanes_of = |callers| {
            let store = Coalesce::new(Lanes(Arc::clone(&store), lanes), CoalesceConfig::default());
            (format!("{lanes} lanes, {callers} callers"), Subject::Store(Arc::new(store)), callers)
        };
        table.push(lanes_of(200));
    }
    for (units, callers) in [(16, 1), (64, 1), (16, 4), (64, 4)] {
        let name = format!("batches of {units}, {callers} callers");
        table.push((name, Subject::Batches(Arc::clone(&store), units), callers));
    }
    let mut rounds: Vec<Vec<Measured>> = table.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for ((_, subject, callers), measured) in table.iter().zip(&mut rounds) {
            let before = processors(&server);
            let mut round = measure(subject, *callers).await;
            let checks = round.per_second * ROUND.as_secs_f64();
            let after = processors(&server);
            round.cost = [0, 1].map(|side| (after[side] - before[side]) * 1e6 / checks);
            measured.push(round);
        }
    }
    println!(
        "{:<32} {:>12} {:>10} {:>10} {:>10} {:>10}",
        "", "checks/s", "p50 us", "p99 us", "server us", "client us"
    );
    for ((name, _, _), mut measured) in table.into_iter().zip(rounds) {
        measured.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
        let Measured { per_second, median, slowest, cost } = &measured[ROUNDS / 2];
        let (median, slowest) = (median.as_micros(), slowest.as_micros());
        let [server, client] = cost;
        println!("{name:<32} {per_second:>12.0} {median:>10} {slowest:>10} {server:>10.2} {client:>10.2}");
    }
}

/// Seconds that the server and this process have computed.
fn processors(server: &Redis) -> [f64; 2] {
    let seconds = ["used_cpu_user", "used_cpu_sys"].map(|field| server.info(field).parse::<f64>().unwrap());
    let own = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = own.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    let ticks: f64 = fields.map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    [seconds.iter().sum(), ticks / 100.0]
}

async fn measure(subject: &Subject, callers: usize) -> Measured {
    let seed = Arc::new(AtomicU64::new(1));
    let (start, mut tasks) = (Instant::now(), tokio::task::JoinSet::new());
    for _ in 0..callers {
        let (mut subject, seed) = (subject.clone(), Arc::clone(&seed));
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while start.elapsed() < ROUND {
                let before = Instant::now();
                subject.call(&seed).await;
                latencies.push(before.elapsed());
            }
            latencies
        });
    }
    let mut latencies: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let seconds = start.elapsed().as_secs_f64();
    let checks = latencies.len()
        * if let Subject::Batches(_, units) = subject {
            *units
        } else {
            1
        };
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    Measured {
        per_second: checks as f64 / seconds,
        median: at(50),
        slowest: at(99),
        cost: [0.0; 2],
    }
}

/// A key out of many, each as often as any other.
fn key(seed: &AtomicU64) -> String {
    let number = seed.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    format!("login:1m:{{{}}}", number % KEYS)
}

impl Subject {
    async fn call(&mut self, seed: &AtomicU64) {
        let limit = Limit::token_bucket(100, Micros::MINUTE).unwrap();
        match self {
            Self::Raw(connection, script) => {
                let mut call = script.prepare_invoke();
                call.key(format!("raw:{}", key(seed))).arg(600_000).arg(60_000_000).arg(120_000);
                let _: Vec<i64> = call.invoke_async(connection).await.unwrap();
            }
            Self::Store(store) => {
                let key = key(seed);
                store.take(Key::new(key.as_bytes()).unwrap(), &limit, 1).await.unwrap();
            }
            Self::Batches(store, units) => {
                let keys: Vec<String> = (0..*units).map(|_| key(seed)).collect();
                let mut batch = Batch::new();
                for key in &keys {
                    batch.push(Op::Take, [Check::new(Key::new(key.as_bytes()).unwrap(), &limit, 1)]);
                }
                store.apply(&mut batch).wait().await.unwrap();
            }
        }
    }
}
