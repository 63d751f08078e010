//! Checks a second against the least that a server can do: `cargo bench -p ratekeeper-postgres`.
//!
//! One private server, everything in one run on the same machine, all subjects in every round: compare ratios. The last
//! columns are what a check takes of processors, of the server's and of this process: they say what is possible where others
//! are busy too. `testservers::bench` says what the environment sets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "a measurement reads the clock, computes with it, and prints"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ratekeeper_core::{Key, Limit, Micros, Op};
use ratekeeper_postgres::PostgresStore;
use ratekeeper_store::{Batch, Check, Coalesce, CoalesceConfig, Store, StoreExt as _};
use testservers::bench::{Keys, Round, Table, Watch};
use testservers::{Pooler, Postgres, usage};
use tokio_postgres::{Client, NoTls, Statement};

const UPSERT: &str =
    "INSERT INTO floor AS f VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET n = f.n + 1 RETURNING n";

/// What is measured.
#[derive(Clone)]
enum Subject {
    /// The least: one upsert a check, each caller with a connection of its own.
    Upsert(String),
    Store(Arc<dyn Store>),
    /// Units of so many checks, so many in one call; each caller with a lane of its own.
    Batches(Arc<dyn Store>, usize, usize),
}

fn main() {
    // `cargo test` runs benchmarks that have no harness, too.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let server = Postgres::with(&["shared_buffers=256MB"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure_all(&server));
}

async fn measure_all(server: &Postgres) {
    server.psql("CREATE UNLOGGED TABLE floor (key text PRIMARY KEY, n bigint) WITH (fillfactor = 60)");
    let pooler = Pooler::in_front_of(server);
    let mut table = Table::new("postgres");
    let keys = Keys::uniform(table.keys, table.seed);
    let zipf = Keys::zipf(table.keys, table.seed);
    let direct = |more: &str| format!("{}?schema=direct&{more}", server.url());
    let store = |url: &str| -> Arc<dyn Store> { Arc::new(PostgresStore::new(url).unwrap()) };
    let together = |url: &str| -> Arc<dyn Store> {
        Arc::new(Coalesce::new(PostgresStore::new(url).unwrap(), CoalesceConfig::default()))
    };
    let mut subjects = Vec::new();
    let mut floors = Vec::new();
    for callers in [1, 4, 16] {
        floors.push(table.subject("one upsert each", callers, None));
        subjects.push((Subject::Upsert(server.url()), keys.clone(), callers));
    }
    for (name, url) in [
        ("store", direct("connections=1")),
        ("store, prepared", direct("connections=1&prepare=yes")),
        ("store, pgbouncer", format!("{}?schema=pooled&connections=1", pooler.url())),
    ] {
        table.subject(name, 1, Some(floors[0]));
        subjects.push((Subject::Store(store(&url)), keys.clone(), 1));
    }
    for (connections, units, checks) in [(1, 50, 1), (1, 128, 1), (4, 50, 1), (4, 128, 1), (4, 50, 2)] {
        let name = format!("{units} units of {checks} a call, prepared");
        table.subject(name, connections, Some(floors[1]));
        let url = direct(&format!("connections={connections}&prepare=yes"));
        subjects.push((Subject::Batches(store(&url), units, checks), keys.clone(), connections));
    }
    for (connections, prepare) in [
        (1, "yes"),
        (2, "yes"),
        (3, "yes"),
        (4, "yes"),
        (2, "no"),
        (4, "no"),
    ] {
        let url = direct(&format!("connections={connections}&prepare={prepare}"));
        table.subject(
            format!("coalesced, {connections} connections, prepare={prepare}"),
            200,
            Some(floors[2]),
        );
        subjects.push((Subject::Store(together(&url)), keys.clone(), 200));
    }
    let usual = together(&direct("prepare=yes"));
    for callers in [1, 16, 64, 400] {
        table.subject("coalesced, prepare=yes", callers, Some(floors[2]));
        subjects.push((Subject::Store(Arc::clone(&usual)), keys.clone(), callers));
    }
    for (name, keys) in [("Zipf", zipf), ("one key", Keys::uniform(1, table.seed))] {
        table.subject(format!("coalesced, {name}"), 200, Some(floors[2]));
        subjects.push((Subject::Store(Arc::clone(&usual)), keys, 200));
    }
    for place in table.order() {
        let (subject, keys, callers) = &subjects[place];
        let mut round = measure(subject, keys, *callers, table.span, server).await;
        round.more.push(("server MB", usage::memory_bytes(server.pid()) as f64 / 1e6));
        table.add(place, round);
    }
    table.finish();
    prove(&usual).await;
}

fn limits() -> [Limit; 2] {
    [
        Limit::token_bucket(1_000_000, Micros::SECOND).unwrap(),
        Limit::sliding_window(1_000_000, Micros::MINUTE).unwrap(),
    ]
}

fn check<'a>(key: &'a str, limits: &'a [Limit; 2]) -> Check<'a> {
    // A key has the same limit each time.
    let limit = &limits[usize::from(key.as_bytes()[key.len() - 2] & 1)];
    Check::new(Key::new(key.as_bytes()).unwrap(), limit, 1)
}

/// Asks for as long as the round takes.
async fn measure(subject: &Subject, keys: &Keys, callers: usize, span: Duration, server: &Postgres) -> Round {
    let mut asking = Vec::new();
    for caller in 0..callers {
        asking.push(Caller::of(subject, caller as u64).await);
    }
    let pids = [server.pid()];
    let (watch, end) = (Watch::start(&pids), Instant::now() + span);
    let mut tasks = tokio::task::JoinSet::new();
    for caller in asking {
        let keys = keys.clone();
        tasks.spawn(async move {
            let (limits, mut latencies) = (limits(), Vec::new());
            while Instant::now() < end {
                latencies.push(caller.call(&keys, &limits).await);
            }
            latencies
        });
    }
    let latencies: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let checks = if let Subject::Batches(_, units, checks) = subject {
        units * checks
    } else {
        1
    };
    watch.stop(latencies.len() * checks, latencies)
}

/// Who asks.
enum Caller {
    Upsert(Client, Statement),
    Store(Arc<dyn Store>),
    Batches(Arc<dyn Store>, usize, usize, u64),
}

impl Caller {
    async fn of(subject: &Subject, number: u64) -> Self {
        match subject {
            Subject::Upsert(url) => {
                let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
                tokio::spawn(driver);
                let statement = client.prepare(UPSERT).await.unwrap();
                Self::Upsert(client, statement)
            }
            Subject::Store(store) => Self::Store(Arc::clone(store)),
            Subject::Batches(store, units, checks) => {
                Self::Batches(Arc::clone(store), *units, *checks, number)
            }
        }
    }

    /// How long one call takes.
    async fn call(&self, keys: &Keys, limits: &[Limit; 2]) -> Duration {
        match self {
            Self::Upsert(client, statement) => {
                let begun = Instant::now();
                client.query_one(statement, &[&keys.next()]).await.unwrap();
                begun.elapsed()
            }
            Self::Store(store) => {
                let check = check(keys.next(), limits);
                let begun = Instant::now();
                store.take(check.key, check.limit, 1).await.unwrap();
                begun.elapsed()
            }
            Self::Batches(store, units, checks, lane) => {
                let keys = of_lane(&**store, *lane, units * checks, keys);
                let mut batch = Batch::new();
                for keys in keys.chunks(*checks) {
                    batch.push(Op::Take, keys.iter().map(|key| check(key, limits)));
                }
                let begun = Instant::now();
                store.apply(&mut batch).wait().await.unwrap();
                begun.elapsed()
            }
        }
    }
}

/// Keys of one lane, each once.
fn of_lane<'k>(store: &dyn Store, lane: u64, count: usize, all: &'k Keys) -> Vec<&'k str> {
    let mut keys = Vec::new();
    while keys.len() < count {
        let key = all.next();
        if store.lane(Key::new(key.as_bytes()).unwrap()) == lane && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Asks for twice of what two hundred keys have, and counts: nothing is admitted beyond the limits.
async fn prove(store: &Arc<dyn Store>) {
    const CAPACITY: u64 = 50;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let (limit, mut admitted) = (Limit::token_bucket(CAPACITY, Micros::DAY).unwrap(), 0);
            for number in 0..2 * CAPACITY {
                let key = format!("exact:{}", (number * 7) % 200);
                admitted += u64::from(
                    store.take(Key::new(key.as_bytes()).unwrap(), &limit, 1).await.unwrap().allowed,
                );
            }
            admitted
        });
    }
    let admitted: u64 = tasks.join_all().await.into_iter().sum();
    // A hundred keys are asked for two hundred times each.
    assert_eq!(admitted, 100 * CAPACITY, "of 20000 checks");
    println!("exact: 20000 checks on 100 keys of {CAPACITY}: {admitted} admitted");
}
