//! Another server takes over: told to, or because the master is gone; and slots that move.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ratekeeper_redis::RedisStore;
use testservers::{Cluster, Redis, Sentinel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{cluster_url, left, limit, runtime, sentinel_url, store, take, wait};

const MUCH: u64 = 1_000_000;
/// How far a replica may be behind, on a machine that is busy: a node that does not get to run for a second may even be
/// replaced while it still counts.
const LAG: Duration = Duration::from_secs(2);
/// From when on there is a new master until the store finds it, at most.
const RECOVERY: Duration = Duration::from_secs(5);

/// Callers that take all the time.
struct Load {
    store: Arc<RedisStore>,
    tasks: JoinSet<()>,
    admitted: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Load {
    fn on(url: &str, key: &'static [u8]) -> Self {
        let store = Arc::new(store(url));
        let (admitted, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let (store, admitted, stop) = (Arc::clone(&store), Arc::clone(&admitted), Arc::clone(&stop));
            let caller = async move {
                while !stop.load(Ordering::SeqCst) {
                    match take(&store, key, &limit(MUCH)).await {
                        Ok(passes) => admitted.fetch_add(u64::from(passes), Ordering::SeqCst),
                        Err(_) => 0,
                    };
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tasks.spawn_on(caller, runtime().handle());
        }
        Self { store, tasks, admitted, stop }
    }

    fn admitted(&self) -> u64 {
        self.admitted.load(Ordering::SeqCst)
    }

    /// Waits until so many more are admitted.
    fn goes_on(&self, within: Duration) {
        let before = self.admitted();
        wait(async {
            let start = Instant::now();
            while self.admitted() < before + 100 {
                assert!(start.elapsed() < within, "nothing is admitted any more");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }

    /// How much was admitted until now; comes back when the time has gone by that a replica may be behind.
    fn before_the_lag(&self) -> u64 {
        let (start, before) = (Instant::now(), self.admitted());
        while start.elapsed() < LAG {
            self.goes_on(RECOVERY);
        }
        before
    }

    /// Ends it, and says how much was admitted and is not counted.
    fn forgotten(self, key: &[u8]) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        let Self { store, tasks, admitted, .. } = self;
        wait(tasks.join_all());
        let counted = MUCH - left(&store, key, &limit(MUCH));
        admitted.load(Ordering::SeqCst).saturating_sub(counted)
    }
}

#[test]
fn sentinels_promote_a_replica() {
    let sentinel = Sentinel::start();
    let load = Load::on(&sentinel_url(&sentinel), b"a");
    load.goes_on(RECOVERY);
    // While the master runs.
    sentinel.failover();
    load.goes_on(RECOVERY);
    drop(load);

    sentinel.wait_until_whole();
    let load = Load::on(&sentinel_url(&sentinel), b"b");
    load.goes_on(RECOVERY);
    let (master, before) = (sentinel.master_address(), load.before_the_lag());
    sentinel.master().kill();
    let at_the_end = load.admitted();
    sentinel.wait_until_master_is_not(master);
    load.goes_on(RECOVERY);
    let forgotten = load.forgotten(b"b");
    assert!(forgotten <= at_the_end - before, "only what was on its way to the replica: {forgotten}");
}

#[test]
fn sentinels_that_hang_or_know_nothing_keep_nobody_from_the_others() {
    let sentinel = Sentinel::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap();
    let [behind, knows, ..] = sentinel.sentinels() else {
        panic!("too few sentinels");
    };
    behind.command(&["SENTINEL", "REMOVE", sentinel.name()]);
    let port = silent.port().to_string();
    behind.command(&["SENTINEL", "MONITOR", sentinel.name(), "127.0.0.1", &port, "2"]);
    let (behind, knows) = (behind.address(), knows.address());
    for first in [silent, behind] {
        let url = format!("redis-sentinel://{first},{knows}/{}", sentinel.name());
        let (store, start) = (store(&url), Instant::now());
        while wait(take(&store, b"a", &limit(MUCH))) != Ok(true) {
            assert!(start.elapsed() < RECOVERY, "{first} is in the way");
        }
    }
}

#[test]
fn a_replica_of_a_cluster_takes_over() {
    let cluster = Cluster::start();
    let load = Load::on(&cluster_url(&cluster), b"{a}");
    load.goes_on(RECOVERY);
    let before = load.before_the_lag();
    cluster.master_of_slot(cluster.slot("{a}")).kill();
    let at_the_end = load.admitted();
    cluster.wait_until_ok();
    load.goes_on(RECOVERY);
    let forgotten = load.forgotten(b"{a}");
    assert!(forgotten <= at_the_end - before, "only what was on its way to the replica: {forgotten}");
}

#[test]
fn a_replica_is_found_by_calls_that_do_not_wait_for_the_silent_master() {
    let cluster = Cluster::start();
    let (store, limit) = (store(&cluster_url(&cluster)), limit(MUCH));
    assert_eq!(wait(take(&store, b"{a}", &limit)), Ok(true));
    let master = cluster.master_of_slot(cluster.slot("{a}"));
    let (other, first) = (cluster.nodes().iter().find(|node| node.port() != master.port()), master.port());
    let replica = || {
        let nodes = other.unwrap().command(&["CLUSTER", "NODES"]);
        let silent = nodes.lines().find(|node| node.contains(&format!(":{first}@")));
        silent.filter(|node| node.contains("fail") && node.ends_with("connected")).map(|_| ())
    };
    master.pause();
    testservers::eventually("a replica takes over", replica);
    let start = Instant::now();
    let in_haste = async || {
        let take = take(&store, b"{a}", &limit);
        tokio::time::timeout(Duration::from_millis(50), take).await
    };
    while wait(in_haste()) != Ok(Ok(true)) {
        // Sooner than the silence is noticed, and an attempt to connect again has failed.
        assert!(start.elapsed() < Duration::from_secs(2), "the replica is not found");
    }
}

#[test]
fn slots_move_while_they_are_counted_in() {
    let cluster = Cluster::start();
    slot_moves(&cluster, "{a}");
    for node in cluster.nodes() {
        node.command(&[
            "CONFIG",
            "SET",
            "cluster-preferred-endpoint-type",
            "unknown-endpoint",
        ]);
    }
    slot_moves(&cluster, "{b}");
}

/// A slot moves, and with it `key` and another one.
fn slot_moves(cluster: &Cluster, key: &str) {
    let (slot, limit, new) = (cluster.slot(key), limit(100), format!("new{key}"));
    let (bytes, new) = (key.as_bytes(), new.as_bytes());
    let text = slot.to_string();
    let from = cluster.master_of_slot(slot);
    let to = cluster.master_of_slot((slot + 8192) % 16_384);
    let id = |node: &Redis| node.command(&["CLUSTER", "MYID"]);
    let store = store(&cluster_url(cluster));
    assert_eq!(wait(take(&store, bytes, &limit)), Ok(true));

    to.command(&["CLUSTER", "SETSLOT", &text, "IMPORTING", &id(from)]);
    from.command(&["CLUSTER", "SETSLOT", &text, "MIGRATING", &id(to)]);
    assert_eq!(wait(take(&store, bytes, &limit)), Ok(true), "it is still there");
    assert_eq!(wait(take(&store, new, &limit)), Ok(true), "a new key goes where the slot goes");
    assert_eq!(to.command(&["CLUSTER", "COUNTKEYSINSLOT", &text]), "1");
    from.command(&["MIGRATE", "127.0.0.1", &to.port().to_string(), key, "0", "5000"]);
    assert_eq!(wait(take(&store, bytes, &limit)), Ok(true), "it has moved");
    for node in [to, from] {
        node.command(&["CLUSTER", "SETSLOT", &text, "NODE", &id(to)]);
    }
    for counter in [bytes, new] {
        assert_eq!(wait(take(&store, counter, &limit)), Ok(true), "the whole slot has moved");
    }
    assert_eq!((left(&store, bytes, &limit), left(&store, new, &limit)), (96, 98));
}
