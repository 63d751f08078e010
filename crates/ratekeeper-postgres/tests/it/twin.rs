//! What the function in the server decides is what `step` decides: calls that the suite does not make.

use std::sync::Arc;

use ratekeeper_core::{Calendar, Limit, MAX_COUNT, MAX_SPAN, Micros, Op, Period, Timestamp};
use ratekeeper_store::{Batch, Check, Group, MemoryStore, Store as _};

use crate::support::{key, run, store, url};

/// Xorshift: the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }
}

/// Limits at the edges of what there is: rates that do not divide, the largest numbers, the smallest.
fn limits() -> Vec<Limit> {
    let days = Calendar::new(Period::Day, "America/St_Johns").unwrap();
    let months = Calendar::new(Period::Month, "Europe/Paris").unwrap();
    vec![
        Limit::token_bucket(7, Micros::MINUTE).unwrap(),
        Limit::token_bucket(300_000, Micros::SECOND).unwrap(),
        Limit::token_bucket(999_999_999_989, MAX_SPAN).unwrap(),
        Limit::token_bucket(MAX_COUNT, Micros::new(1)).unwrap(),
        Limit::token_bucket(1, MAX_SPAN).unwrap(),
        Limit::leaky_bucket(3, Micros::new(7)).unwrap().with_burst(11).unwrap(),
        Limit::leaky_queue(10, Micros::SECOND, Micros::new(1_500_001)).unwrap(),
        Limit::leaky_queue(MAX_COUNT, Micros::new(1), MAX_SPAN).unwrap(),
        Limit::fixed_window(5, Micros::new(1000)).unwrap(),
        Limit::fixed_window(MAX_COUNT, Micros::SECOND).unwrap().with_phase_by_key(),
        Limit::sliding_window(5, Micros::new(1000)).unwrap(),
        Limit::sliding_window(MAX_COUNT, MAX_SPAN).unwrap(),
        Limit::sliding_window(999_999_999_989, Micros::HOUR).unwrap().with_phase_by_key(),
        Limit::calendar_window(5, days).unwrap(),
        Limit::calendar_window(MAX_COUNT, months).unwrap(),
    ]
}

fn cost(random: &mut Random, limit: &Limit) -> u64 {
    let largest = limit.largest_cost();
    match random.below(8) {
        0 => 0,
        1 => largest,
        2 => largest / 2,
        3 => largest / 3 + 1,
        4 => largest.saturating_add(1),
        _ => 1 + random.below(3),
    }
}

#[test]
fn plain_calls_answer_like_the_store_in_memory() {
    run(async {
        let (store, memory, limits) = (store(&url("twin")), MemoryStore::default(), limits());
        let (mut random, mut now) = (Random(0x1234_5678), 4_000_000_000_000_000_u64);
        for round in 0..400 {
            now = match random.below(4) {
                0 => now,
                1 => now + random.below(2000),
                2 => now + random.below(100_000_000_000),
                // The clock steps back.
                _ => now - random.below(1500),
            };
            let names: Vec<String> = (0..limits.len()).map(|index| format!("twin/{index}")).collect();
            let mut batch = Batch::new().at(Timestamp::from_micros(now));
            for (name, limit) in names.iter().zip(&limits) {
                if random.below(4) == 0 {
                    continue;
                }
                let check = Check::new(key(name.as_bytes()), limit, cost(&mut random, limit));
                batch.push(Op::Take, [check]);
            }
            let mut expected = batch.clone();
            store.apply(&mut batch).wait().await.unwrap();
            memory.apply(&mut expected).wait().await.unwrap();
            for unit in 0..batch.units().len() {
                assert_eq!(
                    batch.checks(unit)[0].verdict,
                    expected.checks(unit)[0].verdict,
                    "{:?} under {}, round {round} at {now}",
                    batch.checks(unit)[0].key,
                    batch.checks(unit)[0].limit,
                );
            }
        }
    });
}

#[test]
fn plain_calls_and_others_write_the_same() {
    run(async {
        let (plain, other) = (store(&url("twin_plain")), store(&url("twin_other")));
        let (limits, mut random) = (limits(), Random(99));
        let mut now = 4_000_000_000_000_000;
        for _ in 0..150 {
            now += random.below(700_000);
            let names: Vec<String> = (0..limits.len()).map(|index| format!("same/{index}")).collect();
            let mut batch = Batch::new().at(Timestamp::from_micros(now));
            for (name, limit) in names.iter().zip(&limits) {
                batch.push(Op::Take, [Check::new(key(name.as_bytes()), limit, cost(&mut random, limit))]);
            }
            let mut second = batch.clone();
            // A unit that needs more than one statement, and changes nothing.
            second.push(Op::Peek, [Check::new(key(b"same/0"), &limits[0], 1)]);
            plain.apply(&mut batch).wait().await.unwrap();
            other.apply(&mut second).wait().await.unwrap();
        }
        let rows = |schema: &str| {
            let sql = format!(
                "SELECT key, tag, kind, a, b, CASE kind WHEN 1 THEN c END, CASE kind WHEN 1 THEN ends END FROM \
                 {schema}.counters ORDER BY key"
            );
            testservers::Postgres::shared().psql(&sql)
        };
        assert!(rows("twin_plain").lines().count() > 10);
        assert_eq!(rows("twin_plain"), rows("twin_other"));
    });
}

#[test]
fn a_server_that_decides_otherwise_is_noticed() {
    run(async {
        let limit = Limit::sliding_window(10, Micros::HOUR).unwrap();
        let instant =
            |micros| Timestamp::from_micros(4_000_000_000_000_000 / 3_600_000_000 * 3_600_000_000 + micros);
        let ask = async |store: &ratekeeper_postgres::PostgresStore, at: u64, cost: u64, names: &[&[u8]]| {
            let mut batch = Batch::new().at(instant(at));
            for name in names {
                batch.push(Op::Take, [Check::new(key(name), &limit, cost)]);
            }
            store.apply(&mut batch).wait().await
        };
        let altered = url("altered");
        ask(&store(&altered), 0, 10, &[b"plain", b"twice"]).await.unwrap();
        testservers::Postgres::shared().psql(
            "CREATE OR REPLACE FUNCTION altered.weighed_1(previous bigint, elapsed bigint, width bigint) RETURNS bigint \
             LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint'",
        );
        // In the next window what was taken still weighs, but not for this server.
        let store = store(&altered);
        for names in [[b"plain".as_slice()].as_slice(), &[b"twice", b"twice"]] {
            let error = ask(&store, 3_600_000_000, 5, names).await.unwrap_err();
            assert!(error.to_string().contains("decided otherwise"), "{error}");
        }
    });
}

#[test]
fn a_refusal_writes_no_row() {
    run(async {
        let store = Arc::new(store(&url("refusals")));
        let (limit, full) = (Limit::fixed_window(5, MAX_SPAN).unwrap(), "refusals/full");
        let mut fill = Batch::new();
        fill.push(Op::Take, [Check::new(key(full.as_bytes()), &limit, 5)]);
        store.apply(&mut fill).wait().await.unwrap();
        let versions = "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_all_tables WHERE schemaname = 'refusals' \
                        AND relname = 'counters'";
        let server = testservers::Postgres::shared();
        server.psql("SELECT pg_stat_force_next_flush()");
        let written = || server.psql(versions);
        crate::support::eventually("the statistics arrive", async || (written() == "1").then_some(())).await;
        for round in 0..20 {
            let (other, shadow) = (format!("refusals/{round}"), format!("refusals/shadow/{round}"));
            let mut batch = Batch::new();
            batch.push(
                Op::Take,
                [
                    Check::new(key(full.as_bytes()), &limit, 1),
                    Check::new(key(other.as_bytes()), &limit, 1),
                    Check::new(key(shadow.as_bytes()), &limit, 1).in_group(Group::Shadow(0)),
                ],
            );
            batch.push(Op::Take, [Check::new(key(full.as_bytes()), &limit, 1)]);
            store.apply(&mut batch).wait().await.unwrap();
            assert!(!batch.units()[0].passes && !batch.units()[1].passes);
            let mut single = Batch::new();
            single.push(Op::Take, [Check::new(key(full.as_bytes()), &limit, 1)]);
            store.apply(&mut single).wait().await.unwrap();
            assert!(!single.units()[0].passes);
        }
        assert_eq!(server.psql("SELECT count(*) FROM refusals.counters"), "1");
        // What sessions count arrives when they end.
        drop(store);
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%refusals\".decide%' AND pid <> \
                        pg_backend_pid()";
        crate::support::eventually("the sessions end", async || (server.psql(sessions) == "0").then_some(()))
            .await;
        assert_eq!(written(), "1");
    });
}
