//! The schema: how it comes to be, and who may use it.

use std::time::Duration;

use ratekeeper_postgres::migrations_sql;
use ratekeeper_store::testkit::Proxy;
use ratekeeper_store::{Store as _, StoreError};
use testservers::Postgres;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::support::{eventually, run, slow, store, take, take_all, url};

#[test]
fn several_stores_make_it_at_once() {
    run(async {
        let stores: Vec<_> = (0..8).map(|_| store(&url("at_once"))).collect();
        let limit = slow(5);
        let mut passed = 0;
        let takes = stores.into_iter().map(|store| {
            let limit = limit.clone();
            tokio::spawn(async move { take(&store, "a", &limit, 1).await.unwrap() })
        });
        for take in takes.collect::<Vec<_>>() {
            passed += u64::from(take.await.unwrap());
        }
        assert_eq!(passed, 5);
    });
}

#[test]
fn hostile_names_are_names() {
    run(async {
        for name in [
            "a\"; DROP SCHEMA public; --",
            "it's",
            "back\\slash' ",
            "$ratekeeper$",
            "Ünï cödé",
            "%I %s",
        ] {
            let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let store = store(&url(&encoded));
            assert!(take(&store, "a", &slow(1), 1).await.unwrap(), "{name}");
            let quoted = name.replace('"', "\"\"");
            let rows = Postgres::shared().psql(&format!("SELECT count(*) FROM \"{quoted}\".counters"));
            assert_eq!(rows, "1");
            // Once more does nothing.
            Postgres::shared().psql(&migrations_sql(name));
        }
        assert_eq!(
            Postgres::shared().psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'public'"),
            "1"
        );
    });
}

#[test]
fn an_operator_may_make_it_and_a_role_with_little_use_it() {
    run(async {
        let server = Postgres::with(&[]);
        server.psql("CREATE ROLE owner; CREATE ROLE app LOGIN; GRANT CREATE ON DATABASE postgres TO owner");
        let app = |more: &str| format!("postgres://app@{}/postgres?{more}", server.address());
        // Nothing is there, and it may not be made.
        let error = take(&store(&app("migrate=never")), "a", &slow(5), 1).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Misconfigured { reason } if reason.contains("ratekeeper migrations")),
            "{error}"
        );
        let error = take(&store(&app("")), "a", &slow(5), 1).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Misconfigured { reason } if reason.contains("role=")),
            "{error}"
        );

        server.psql(&format!("SET ROLE owner; {}", migrations_sql("ratekeeper")));
        let error = take(&store(&app("migrate=never")), "a", &slow(5), 1).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Misconfigured { reason } if reason.contains("GRANT USAGE")),
            "{error}"
        );
        server.psql(
            "GRANT USAGE ON SCHEMA ratekeeper TO app; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ratekeeper TO app",
        );
        let store = store(&app("migrate=never"));
        let names = ["b".to_owned(), "c".to_owned()];
        for _ in 0..5 {
            assert!(take(&store, "a", &slow(5), 1).await.unwrap());
            assert!(take_all(&store, &names, &slow(5)).await.unwrap());
        }
        assert!(!take(&store, "a", &slow(5), 1).await.unwrap());
        assert!(store.sweep().await.unwrap().is_some());
        // The tables are not theirs, and nobody else may call the functions.
        let may = |what: &str| server.psql(&format!("SELECT {what}"));
        assert_eq!(
            may("has_table_privilege('app', 'ratekeeper.counters', 'SELECT, INSERT, UPDATE, DELETE')"),
            "f"
        );
        server.psql("CREATE ROLE other");
        assert_eq!(
            may(
                "bool_or(has_function_privilege('other', p.oid, 'EXECUTE')) FROM pg_proc p JOIN pg_namespace n \
                        ON n.oid = p.pronamespace WHERE n.nspname = 'ratekeeper'"
            ),
            "f"
        );
        assert_eq!(may("tableowner FROM pg_tables WHERE tablename = 'counters'"), "owner");
    });
}

#[test]
fn migrations_may_run_as_their_owner() {
    run(async {
        let server = Postgres::with(&[]);
        server.psql("CREATE ROLE owner; CREATE ROLE app LOGIN IN ROLE owner; GRANT CREATE ON DATABASE postgres TO owner");
        let url = format!("postgres://app@{}/postgres?role=owner", server.address());
        assert!(take(&store(&url), "a", &slow(5), 1).await.unwrap());
        assert_eq!(server.psql("SELECT tableowner FROM pg_tables WHERE tablename = 'counters'"), "owner");
    });
}

#[test]
fn a_migration_that_fails_is_remembered_even_if_nobody_waits_for_it() {
    run(async {
        let server = Postgres::with(&[]);
        server.psql("CREATE ROLE app LOGIN");
        let proxy = Proxy::to(server.address()).unwrap();
        let before = Handle::current().metrics().num_alive_tasks();
        let store = store(&format!("postgres://app@{}/postgres?connections=1", proxy.address()));
        let limit = slow(5);
        // To be let in takes as long as it takes.
        store.examine().await.unwrap();
        // A trip takes 400 ms. A call asks, asks once more, and migrates: it is dropped before the third is answered.
        proxy.delay(Duration::from_millis(200));
        let told = async || {
            let call = take(&store, "a", &limit, 1);
            let answer = timeout(Duration::from_millis(1000), call).await.ok()?;
            matches!(answer, Err(StoreError::Misconfigured { .. })).then_some(())
        };
        eventually("it is told what is wrong", told).await;
        for _ in 0..3 {
            assert!(told().await.is_some(), "it is remembered");
        }
        // A connection ends with the migration that failed on it.
        assert!(proxy.accepted() <= 3, "{} connections", proxy.accepted());
        drop(store);
        eventually("all tasks end", async || {
            (Handle::current().metrics().num_alive_tasks() <= before).then_some(())
        })
        .await;
    });
}
