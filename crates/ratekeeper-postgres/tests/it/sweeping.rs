//! What is idle is forgotten, and nothing else.

use std::sync::Arc;

use ratekeeper_core::{Calendar, Holder, Limit, Micros, Op, Period, Timestamp};
use ratekeeper_store::{Batch, Check, Store as _};
use testservers::Postgres;

use crate::support::{key, run, slow, store, take, url};

fn limits(window: Micros) -> Vec<Limit> {
    vec![
        Limit::token_bucket(10, window).unwrap(),
        Limit::leaky_queue(10, window, window).unwrap(),
        Limit::fixed_window(10, window).unwrap(),
        Limit::sliding_window(10, window).unwrap(),
        Limit::sliding_log(10, window).unwrap(),
        Limit::concurrency(10, window).unwrap(),
        Limit::calendar_window(10, Calendar::new(Period::Day, "UTC").unwrap()).unwrap(),
    ]
}

#[test]
fn what_is_idle_goes_and_what_counts_stays() {
    run(async {
        let store = Arc::new(store(&url("swept")));
        let now = store.examine().await.unwrap().time.unwrap();
        let long_ago = now.before(Micros::from_secs(10 * 86_400));
        // More rows than one step looks at, of every algorithm; a third counts for two minutes, singly or together.
        for (round, (instant, window)) in [
            (long_ago, Micros::SECOND),
            (now, Micros::new(120_000_000)),
            (long_ago, Micros::MINUTE),
        ]
        .into_iter()
        .enumerate()
        {
            let limits = limits(window);
            for part in 0..4 {
                let names: Vec<String> = (0..150).map(|index| format!("{index}/{part}/{round}")).collect();
                let mut batch = Batch::new().at(instant);
                for (index, name) in names.iter().enumerate() {
                    let check = Check::new(key(name.as_bytes()), &limits[index % limits.len()], 3);
                    batch.push_by(Op::Take, Holder::new(7), [check]);
                }
                store.apply(&mut batch).wait().await.unwrap();
                assert!(batch.units().iter().all(|unit| unit.passes));
            }
        }
        let rows = || Postgres::shared().psql("SELECT count(*) FROM swept.counters");
        assert_eq!(rows(), "1800");
        // One of those is in use: it is left to the next time.
        let deleted = store.sweep().await.unwrap();
        assert_eq!(deleted, Some(1200));
        let live = "SELECT count(*) FROM swept.counters WHERE key LIKE '%/1'::bytea";
        assert_eq!(Postgres::shared().psql(live), "600");
        assert_eq!(rows(), "600");
        // What stays is what was counted.
        let limits = limits(Micros::new(120_000_000));
        let name = "0/0/1";
        let mut peek = Batch::new().at(now);
        peek.push(Op::Peek, [Check::new(key(name.as_bytes()), &limits[0], 1)]);
        store.apply(&mut peek).wait().await.unwrap();
        assert_eq!(peek.checks(0)[0].verdict.unwrap().remaining, 7);
    });
}

#[test]
fn a_row_in_use_is_not_waited_for() {
    run(async {
        let server = Postgres::with(&[]);
        let store = store(&server.url());
        let limit = Limit::fixed_window(10, Micros::SECOND).unwrap();
        let mut batch = Batch::new().at(Timestamp::from_micros(1_000_000_000));
        batch.push(Op::Take, [Check::new(key(b"old"), &limit, 1)]);
        store.apply(&mut batch).wait().await.unwrap();
        take(&store, "new", &slow(5), 1).await.unwrap();
        let url = server.url();
        let (client, driver) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(driver);
        client.batch_execute("BEGIN; SELECT FROM ratekeeper.counters FOR UPDATE").await.unwrap();
        assert_eq!(store.sweep().await.unwrap(), Some(0));
        client.batch_execute("COMMIT").await.unwrap();
        assert_eq!(store.sweep().await.unwrap(), Some(1));
        // While another process is at it, it is not our turn.
        client.batch_execute("BEGIN; SELECT FROM ratekeeper.sweep FOR UPDATE").await.unwrap();
        assert_eq!(store.sweep().await.unwrap(), None);
    });
}
