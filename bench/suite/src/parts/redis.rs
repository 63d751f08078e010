//! Our Redis store beside the same client with a minimal script and nothing else, against one private server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ratekeeper::{Key, Limit, Micros, Store, StoreExt as _};
use ratekeeper_redis::RedisStore;
use ratekeeper_store::{Coalesce, CoalesceConfig};
use redis::Script;
use redis::aio::MultiplexedConnection;
use testservers::Redis;
use tokio::task::JoinSet;

use crate::options::Options;
use crate::results::Results;
use crate::rounds::{self, Contender};
use crate::table::Table;
use crate::work::Ran;

const KEYS: u64 = 100_000;
const TURN: Duration = Duration::from_millis(700);
const RAW: &str = "redis-rs alone, one EVALSHA a check";

/// A token bucket of one key: read, compare, write. Nothing is checked, nothing more is told.
const MINIMAL: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local x = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
if x - now > tonumber(ARGV[2]) then return {0, 0} end
redis.call('SET', KEYS[1], string.format('%.0f', x), 'PX', ARGV[3])
return {1, ARGV[2] - (x - now)}";

#[derive(Clone)]
enum Caller {
    Raw(MultiplexedConnection, Arc<Script>),
    Store(Arc<dyn Store>),
}

pub fn run(options: &Options, results: &mut Results) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let server = Redis::start();
    let client = redis::Client::open(server.url()).expect("its own url");
    let connection = runtime.block_on(client.get_multiplexed_async_connection()).expect("the server is up");
    let store: Arc<dyn Store> =
        Arc::new(RedisStore::new(&format!("{}/?prefix=rk:", server.url())).expect("its own url"));
    let coalesced = Arc::new(Coalesce::new(Arc::clone(&store), CoalesceConfig::default()));
    let subjects = [
        (RAW, Caller::Raw(connection, Arc::new(Script::new(MINIMAL)))),
        ("ratekeeper, one call a check", Caller::Store(store)),
        ("ratekeeper, coalesced", Caller::Store(coalesced)),
    ];
    for callers in [1, 50, 200] {
        let contenders = subjects
            .iter()
            .map(|(name, caller)| Contender::new(*name, || runtime.block_on(turn(caller, callers))));
        let rows = rounds::run(contenders.collect(), options.rounds.min(5), RAW);
        let title = format!("Redis, {callers} caller(s), {KEYS} keys");
        results.add(Table::new(&format!("redis-{callers}"), &title, "ns/check", Some(RAW), rows));
    }
}

async fn turn(caller: &Caller, callers: usize) -> Ran {
    let next = Arc::new(AtomicU64::new(0));
    let (start, mut tasks) = (Instant::now(), JoinSet::new());
    for _ in 0..callers {
        let (mut caller, next) = (caller.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            let mut admitted = 0;
            while start.elapsed() < TURN {
                let number = next.fetch_add(1, Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
                admitted += u64::from(caller.call(&format!("login:1m:{{{}}}", number % KEYS)).await);
            }
            admitted
        });
    }
    let admitted = tasks.join_all().await.into_iter().sum();
    let seconds = start.elapsed().as_secs_f64();
    Ran { nanos: seconds * 1e9 / next.load(Relaxed) as f64, admitted, seconds }
}

impl Caller {
    async fn call(&mut self, key: &str) -> bool {
        match self {
            Self::Raw(connection, script) => {
                let mut call = script.prepare_invoke();
                call.key(format!("raw:{key}")).arg(600_000).arg(60_000_000).arg(120_000);
                let answer: Vec<i64> = call.invoke_async(connection).await.expect("the server answers");
                answer[0] == 1
            }
            Self::Store(store) => {
                let limit = Limit::token_bucket(100, Micros::MINUTE).expect("a limit");
                let key = Key::new(key.as_bytes()).expect("a short key");
                store.take(key, &limit, 1).await.expect("the server answers").allowed
            }
        }
    }
}
