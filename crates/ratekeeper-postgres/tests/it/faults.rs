//! Servers that are killed, restarted, silent or slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ratekeeper_core::Limit;
use ratekeeper_postgres::PostgresStore;
use ratekeeper_store::testkit::Proxy;
use testservers::Postgres;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::connections::through;
use crate::support::{eventually, run, slow, store, take};

const COUNT: u64 = 300;

#[test]
fn a_crash_empties_the_table_and_nothing_else() {
    run(async {
        let server = Postgres::with(&[]);
        let (store, limit) = (store(&server.url()), slow(COUNT));
        assert!(take(&store, "a", &limit, COUNT).await.unwrap());
        assert!(!take(&store, "a", &limit, 1).await.unwrap());
        // Shut down as an operator would: nothing is lost.
        server.signal("-INT");
        eventually("it shuts down", async || (!server.is_running()).then_some(())).await;
        server.restart();
        let left = eventually("it is back", async || take(&store, "a", &limit, 1).await.ok()).await;
        assert!(!left, "a clean restart keeps what was counted");
        server.kill();
        // Sessions outlive the main process for a moment.
        eventually("it is gone", async || take(&store, "a", &limit, 0).await.err()).await;
        server.restart();
        let left = eventually("it is back", async || take(&store, "a", &limit, COUNT).await.ok()).await;
        assert!(left, "a crash forgets what was counted");
        assert!(!take(&store, "a", &limit, 1).await.unwrap());
        // The sweep goes on as well.
        eventually("it sweeps", async || store.sweep().await.ok().flatten()).await;
    });
}

/// Callers that ask until they are stopped, with a deadline each.
struct Load {
    stop: Arc<AtomicBool>,
    passed: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    fn on(store: &Arc<PostgresStore>, limit: &Limit) -> Self {
        let load = Self {
            stop: Arc::default(),
            passed: Arc::default(),
            answered: Arc::default(),
            tasks: Vec::new(),
        };
        let task = |_| {
            let (store, limit) = (Arc::clone(store), limit.clone());
            let (stop, passed) = (Arc::clone(&load.stop), Arc::clone(&load.passed));
            let answered = Arc::clone(&load.answered);
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let call = take(&store, "load", &limit, 1);
                    match timeout(Duration::from_millis(200), call).await {
                        Ok(Ok(allowed)) => {
                            answered.fetch_add(1, Ordering::Relaxed);
                            passed.fetch_add(u64::from(allowed), Ordering::Relaxed);
                        }
                        _ => tokio::task::yield_now().await,
                    }
                }
            })
        };
        let tasks = (0..8).map(task).collect();
        Self { tasks, ..load }
    }

    /// Waits until some more have been answered.
    async fn goes_on(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        eventually("calls are answered", async || {
            (self.answered.load(Ordering::Relaxed) > before + 20).then_some(())
        })
        .await;
    }

    /// Stops, and says how many passed.
    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.passed.load(Ordering::Relaxed)
    }
}

#[test]
fn connections_that_are_cut_admit_no_more() {
    run(async {
        let proxy = Proxy::to(Postgres::shared().address()).unwrap();
        let (store, limit) = (Arc::new(store(&through(&proxy, "schema=cut"))), slow(COUNT));
        take(&store, "schema", &limit, 1).await.unwrap();
        let load = Load::on(&store, &limit);
        for _ in 0..3 {
            load.goes_on().await;
            proxy.cut();
            eventually("calls fail", async || take(&store, "load", &limit, 0).await.err()).await;
            proxy.mend();
        }
        load.goes_on().await;
        let passed = load.end().await;
        assert!((1..=COUNT).contains(&passed), "{passed}");
    });
}

#[test]
fn late_answers_admit_no_more() {
    run(async {
        let proxy = Proxy::to(Postgres::shared().address()).unwrap();
        let (store, limit) = (Arc::new(store(&through(&proxy, "schema=late"))), slow(COUNT));
        take(&store, "schema", &limit, 1).await.unwrap();
        let load = Load::on(&store, &limit);
        load.goes_on().await;
        // Later than the callers wait.
        proxy.delay(Duration::from_millis(300));
        let asked = take(&store, "load", &limit, 0);
        assert!(timeout(Duration::from_millis(250), asked).await.is_err());
        proxy.delay(Duration::ZERO);
        load.goes_on().await;
        assert!(load.end().await <= COUNT);
    });
}

#[test]
fn a_server_that_is_paused_is_waited_for_and_goes_on() {
    run(async {
        let server = Postgres::with(&[]);
        let (store, limit) = (Arc::new(store(&server.url())), slow(COUNT));
        take(&store, "schema", &limit, 1).await.unwrap();
        let load = Load::on(&store, &limit);
        load.goes_on().await;
        pause(&server, "-STOP");
        let asked = take(&store, "load", &limit, 0);
        assert!(timeout(Duration::from_millis(300), asked).await.is_err());
        pause(&server, "-CONT");
        load.goes_on().await;
        assert!(load.end().await <= COUNT);
    });
}

/// Sends a signal to the sessions as well, which are processes of their own.
fn pause(server: &Postgres, signal: &str) {
    let children = std::process::Command::new("pkill")
        .args([signal, "-P", &server.pid().to_string()])
        .status()
        .unwrap();
    assert!(children.success());
    server.signal(signal);
}

#[test]
fn a_silent_server_is_given_up_and_takes_no_memory() {
    run(async {
        let proxy = Proxy::to(Postgres::shared().address()).unwrap();
        let (store, limit) = (Arc::new(store(&through(&proxy, "schema=silent&connections=1"))), slow(COUNT));
        take(&store, "a", &limit, 1).await.unwrap();
        proxy.stall();
        let tasks = tokio::runtime::Handle::current().metrics();
        let before = tasks.num_alive_tasks();
        for _ in 0..200 {
            let asked = take(&store, "a", &limit, 1);
            assert!(timeout(Duration::from_millis(1), asked).await.is_err());
        }
        // Those that nobody waits for any more are bounded.
        assert!(tasks.num_alive_tasks() <= before + 16, "{}", tasks.num_alive_tasks());
        // After five seconds the connection is given up, and another one is made.
        let accepted = proxy.accepted();
        eventually("another connection", async || {
            _ = timeout(Duration::from_millis(50), take(&store, "a", &limit, 0)).await;
            (proxy.accepted() > accepted).then_some(())
        })
        .await;
        proxy.resume();
        eventually("it answers", async || take(&store, "a", &limit, 1).await.ok()).await;
    });
}

#[test]
fn a_crash_under_load_admits_no_more_than_twice() {
    run(async {
        let server = Postgres::with(&[]);
        let (store, limit) = (Arc::new(store(&server.url())), slow(COUNT));
        take(&store, "schema", &limit, 1).await.unwrap();
        let load = Load::on(&store, &limit);
        load.goes_on().await;
        server.kill();
        server.restart();
        load.goes_on().await;
        load.goes_on().await;
        let passed = load.end().await;
        assert!(passed <= 2 * COUNT, "{passed}");
    });
}
