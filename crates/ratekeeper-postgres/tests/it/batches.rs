//! Many at once.

use std::sync::Arc;

use ratekeeper_core::Op;
use ratekeeper_store::{Batch, Check, Store as _, StoreError};
use testservers::Postgres;

use crate::support::{eventually, key, run, slow, store, take, take_all, url};

#[test]
fn batches_over_the_same_keys_in_any_order_never_wait_for_each_other_in_a_circle() {
    run(async {
        let stores: Vec<_> = (0..4).map(|_| Arc::new(store(&url("circles")))).collect();
        // The only one to make it.
        take(&stores[0], "first", &slow(1), 1).await.unwrap();
        let deadlocks = || Postgres::shared().psql("SELECT sum(deadlocks) FROM pg_stat_database");
        let before = deadlocks();
        let tasks = (0..16_usize).map(|task| {
            let store = Arc::clone(&stores[task % 4]);
            tokio::spawn(async move {
                let limit = slow(1_000_000);
                let mut passed = 0;
                for round in 0..15_usize {
                    // New keys and old ones, forwards and backwards, single and together.
                    let mut names: Vec<String> = (0..8)
                        .map(|index| format!("circle/{}", (index * 5 + task) % 8 + round / 3 * 4))
                        .collect();
                    if (task + round) % 2 == 0 {
                        names.reverse();
                    }
                    if task % 3 == 0 {
                        let mut batch = Batch::new();
                        for name in &names {
                            batch.push(Op::Take, [Check::new(key(name.as_bytes()), &limit, 1)]);
                        }
                        store.apply(&mut batch).wait().await.unwrap();
                        passed += batch.units().iter().filter(|unit| unit.passes).count();
                    } else {
                        assert!(take_all(&store, &names, &limit).await.unwrap());
                        passed += names.len();
                    }
                }
                passed
            })
        });
        let mut passed = 0;
        for task in tasks.collect::<Vec<_>>() {
            passed += task.await.unwrap();
        }
        assert_eq!(passed, 16 * 15 * 8);
        assert_eq!(deadlocks(), before);
        // What one unit takes is one W/N = 2^49/10^6 microseconds ahead of now, to the microsecond.
        let taken = "SELECT sum(round((a - (extract(epoch FROM clock_timestamp()) * 1000000)) / (2::numeric ^ 49 / 1000000))) \
                     FROM circles.counters WHERE key LIKE 'circle/%'::bytea";
        assert_eq!(Postgres::shared().psql(taken), passed.to_string());
    });
}

#[test]
fn a_call_is_one_transaction() {
    run(async {
        let server = Postgres::with(&["max_connections=20"]);
        let url = format!("{}?connections=1", server.url());
        let count = || -> u64 {
            server
                .psql("SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'")
                .parse()
                .unwrap()
        };
        let calls = |number: u64| {
            let url = url.clone();
            async move {
                let (store, limit) = (store(&url), slow(1000));
                for index in 0..number {
                    take(&store, &format!("one/{}", index % 3), &limit, 1).await.unwrap();
                    let names: Vec<_> = (0..3).map(|name| format!("several/{name}")).collect();
                    assert!(take_all(&store, &names, &limit).await.unwrap());
                }
            }
        };
        // Statistics arrive when the session ends; the first run makes the schema.
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ratekeeper'";
        let ended = || testservers::eventually("it ends", || (server.psql(sessions) == "0").then_some(()));
        let mut counts = Vec::new();
        for number in [1, 50, 150] {
            calls(number).await;
            ended();
            counts.push(count());
        }
        let (few, many) = (counts[1] - counts[0], counts[2] - counts[1]);
        // The looks of this test, and those of the server itself, are about the same in both.
        assert!((180..260).contains(&(many - few)), "{few} and {many}");
    });
}

#[test]
fn where_transactions_fail_on_conflicts_calls_are_made_again() {
    run(async {
        let server = Postgres::with(&["default_transaction_isolation=repeatable read"]);
        let stores: Vec<_> = (0..2).map(|_| Arc::new(store(&server.url()))).collect();
        take(&stores[0], "first", &slow(1), 1).await.unwrap();
        let tasks = (0..8_usize).map(|task| {
            let store = Arc::clone(&stores[task % 2]);
            tokio::spawn(async move {
                let (limit, mut passed) = (slow(1_000_000), 0);
                for _ in 0..20 {
                    let mut batch = Batch::new();
                    for name in ["c", "b", "a"] {
                        batch.push(Op::Take, [Check::new(key(name.as_bytes()), &limit, 1)]);
                    }
                    match store.apply(&mut batch).wait().await {
                        Ok(()) => passed += batch.units().iter().filter(|unit| unit.passes).count(),
                        Err(error) => assert!(matches!(error, StoreError::Contended { .. }), "{error}"),
                    }
                }
                passed
            })
        });
        let mut passed = 0;
        for task in tasks.collect::<Vec<_>>() {
            passed += task.await.unwrap();
        }
        // What failed was not counted.
        let taken = "SELECT sum(round((a - (extract(epoch FROM clock_timestamp()) * 1000000)) / (2::numeric ^ 49 / 1000000))) \
                     FROM ratekeeper.counters WHERE key <> 'first'::bytea";
        assert_eq!(server.psql(taken), passed.to_string());
        assert!(passed > 0);
    });
}

#[test]
fn a_row_that_comes_while_others_are_waited_for_is_not_overwritten() {
    run(async {
        let server = Postgres::with(&[]);
        let (first, second) = (Arc::new(store(&server.url())), store(&server.url()));
        assert!(take(&second, "a", &slow(1), 1).await.unwrap());
        // A call finds A full and K absent, and waits for A.
        let (refund, debit) = (session(&server).await, session(&server).await);
        refund
            .batch_execute("BEGIN; UPDATE ratekeeper.counters SET a = 0 WHERE key = 'a'")
            .await
            .unwrap();
        let call = tokio::spawn(async move {
            let (one, ten) = (slow(1), slow(10));
            let mut batch = Batch::new();
            batch.push(Op::Take, [Check::new(key(b"x"), &one, 1)]);
            batch.push(Op::Take, [Check::new(key(b"a"), &one, 1), Check::new(key(b"k"), &ten, 1)]);
            first.apply(&mut batch).wait().await.unwrap();
            batch.units()[1].passes
        });
        waits_for(&server, &refund).await;
        // K comes, is about to be debited once more, and A is refunded.
        assert!(take(&second, "k", &slow(10), 1).await.unwrap());
        let more = "BEGIN; UPDATE ratekeeper.counters SET a = a + 5 * (1::bigint << 49) / 10 WHERE key = 'k'";
        debit.batch_execute(more).await.unwrap();
        refund.batch_execute("COMMIT").await.unwrap();
        waits_for(&server, &debit).await;
        debit.batch_execute("COMMIT").await.unwrap();
        assert!(call.await.unwrap());
        // 1, 5 and 1 of 10.
        assert!(!take(&second, "k", &slow(10), 4).await.unwrap());
        assert!(take(&second, "k", &slow(10), 3).await.unwrap());
    });
}

/// A session that can be in a transaction.
async fn session(server: &Postgres) -> tokio_postgres::Client {
    let (client, driver) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(driver);
    client
}

/// Waits until another session waits for a lock of this one.
async fn waits_for(server: &Postgres, session: &tokio_postgres::Client) {
    let row = session.query_one("SELECT pg_backend_pid()", &[]).await.unwrap();
    let pid: i32 = row.get(0);
    let waiting = format!("SELECT count(*) FROM pg_stat_activity WHERE {pid} = ANY (pg_blocking_pids(pid))");
    eventually("it waits", async || (server.psql(&waiting) == "1").then_some(())).await;
}
