//! What the store says of its server.

use ratekeeper_store::{Severity, Store as _};
use testservers::{Pooler, Postgres};

use crate::support::{run, slow, store, take};

#[test]
fn a_good_server_has_no_findings_and_a_bad_one_has_remedies() {
    run(async {
        let server = Postgres::with(&[]);
        let store_at = |more: &str| store(&format!("{}?{more}", server.url()));
        let found = store_at("").examine().await.unwrap();
        assert!(found.servers[0].starts_with("PostgreSQL 15"), "{found:?}");
        assert!(found.findings.len() == 1 && found.findings[0].what.contains("missing"), "{found:?}");
        let store = store_at("");
        take(&store, "a", &slow(5), 1).await.unwrap();
        let found = store.examine().await.unwrap();
        assert_eq!(found.findings, []);
        assert!(found.time.unwrap().as_micros() > 1_700_000_000_000_000);

        server.psql(
            "ALTER TABLE ratekeeper.counters SET LOGGED; ALTER TABLE ratekeeper.counters SET (autovacuum_enabled = false)",
        );
        server.psql("ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'");
        server.psql("CREATE ROLE app LOGIN");
        let app = crate::support::store(&format!(
            "postgres://app@{}/postgres?target_session_attrs=any",
            server.address()
        ));
        let found = app.examine().await.unwrap();
        let problems = found.findings.iter().filter(|finding| finding.severity == Severity::Problem).count();
        let all: Vec<_> = found.findings.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!((problems, all.len()), (2, 4), "{all:?}");
        for part in [
            "serializable",
            "autovacuum is off",
            "may not call",
            "logged table",
        ] {
            assert!(all.iter().any(|what| what.contains(part)), "{part}: {all:?}");
        }
        assert!(found.findings.iter().all(|finding| !finding.remedy.is_empty()));
    });
}

#[test]
fn a_pooler_is_seen() {
    run(async {
        let server = Postgres::with(&[]);
        let pooler = Pooler::in_front_of(&server);
        let store = store(&format!("{}?prepare=yes", pooler.url()));
        let found = store.examine().await.unwrap();
        assert!(found.servers[0].contains("pooler"), "{found:?}");
        assert!(found.findings.iter().any(|finding| finding.what.contains("prepare=yes")), "{found:?}");
    });
}

#[test]
fn a_server_that_takes_no_writes_is_left() {
    run(async {
        let server = Postgres::with(&[]);
        let store = store(&server.url());
        take(&store, "a", &slow(5), 1).await.unwrap();
        server.psql("ALTER SYSTEM SET default_transaction_read_only = on");
        server.psql("SELECT pg_reload_conf()");
        crate::support::eventually("it is noticed", async || take(&store, "a", &slow(5), 0).await.err())
            .await;
        server.psql("ALTER SYSTEM SET default_transaction_read_only = off");
        server.psql("SELECT pg_reload_conf()");
        crate::support::eventually("it is back", async || take(&store, "a", &slow(5), 0).await.ok()).await;
    });
}
