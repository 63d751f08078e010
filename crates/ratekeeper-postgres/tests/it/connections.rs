//! How connections come and go.

use std::sync::Arc;

use ratekeeper_store::StoreError;
use ratekeeper_store::testkit::Proxy;
use testservers::Postgres;
use tokio::runtime::Handle;

use crate::support::{eventually, run, slow, store, take, take_all};

/// A URL through a proxy.
pub(crate) fn through(proxy: &Proxy, parameters: &str) -> String {
    format!("postgres://postgres@{}/postgres?{parameters}", proxy.address())
}

#[test]
fn the_server_may_come_later() {
    run(async {
        let proxy = Proxy::to(Postgres::shared().address()).unwrap();
        proxy.cut();
        let (store, limit) = (store(&through(&proxy, "schema=later")), slow(10));
        let refused = take(&store, "a", &limit, 1).await;
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
        // For a while it is not even tried.
        let attempts = proxy.accepted();
        for _ in 0..100 {
            assert!(take(&store, "a", &limit, 1).await.is_err());
        }
        assert!(proxy.accepted() <= attempts + 2);
        proxy.mend();
        let allowed = eventually("it is there", async || take(&store, "a", &limit, 1).await.ok()).await;
        assert!(allowed);
    });
}

#[test]
fn nothing_is_left_of_a_store_that_is_dropped() {
    run(async {
        let server = Postgres::with(&[]);
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ratekeeper'";
        let before = Handle::current().metrics().num_alive_tasks();
        let store = Arc::new(store(&format!("{}?connections=3", server.url())));
        let limit = slow(1000);
        let takes = (0..60).map(|index| {
            let (store, limit) = (Arc::clone(&store), limit.clone());
            tokio::spawn(async move { take(&store, &format!("key/{index}"), &limit, 1).await.unwrap() })
        });
        for take in takes.collect::<Vec<_>>() {
            assert!(take.await.unwrap());
        }
        assert_eq!(server.psql(sessions), "3", "no more than was allowed, and each is used");
        // One is under way, and nobody waits for it.
        let given_up = store.clone();
        let call = tokio::spawn(async move { take(&given_up, "given up", &slow(1), 1).await });
        call.abort();
        _ = call.await;
        drop(store);
        eventually("all tasks end", async || {
            (Handle::current().metrics().num_alive_tasks() <= before).then_some(())
        })
        .await;
        eventually("all sessions end", async || (server.psql(sessions) == "0").then_some(())).await;
    });
}

#[test]
fn who_may_not_come_in_is_told_why() {
    run(async {
        let server = Postgres::shared();
        server.psql("CREATE ROLE no_login NOLOGIN");
        let address = server.address();
        let cases = [
            (format!("postgres://no_login:hush@{address}/postgres"), "not permitted to log in"),
            (format!("postgres://nobody:hush@{address}/postgres"), "does not exist"),
            (format!("postgres://postgres:hush@{address}/nothing"), "does not exist"),
        ];
        for (url, part) in cases {
            let error = take(&store(&url), "a", &slow(1), 1).await.unwrap_err();
            assert!(matches!(error, StoreError::Misconfigured { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(part) && !text.contains("hush"), "{text}");
            assert!(!format!("{:?}", store(&url)).contains("hush"));
        }
        let full = Postgres::with(&["max_connections=5", "superuser_reserved_connections=0"]);
        let first = store(&full.url());
        let mut refused = None;
        let limit = slow(100);
        for index in 0..40 {
            let second = store(&full.url());
            _ = take(&first, &format!("key/{index}"), &limit, 1).await;
            refused = take(&second, &format!("key/{index}"), &limit, 1).await.err();
            if refused.is_some() {
                break;
            }
            std::mem::forget(second);
        }
        let error = refused.unwrap();
        assert!(matches!(error, StoreError::Throttled { .. }), "{error}");
        assert!(error.to_string().contains("connections="), "{error}");
    });
}

#[test]
fn prepared_statements_decide_the_same() {
    run(async {
        let store = store(&format!("{}?schema=prepared&prepare=yes", Postgres::shared().url()));
        let limit = slow(5);
        let mut passed = 0;
        for _ in 0..8 {
            passed += u64::from(take(&store, "a", &limit, 1).await.unwrap());
            let names = ["b".to_owned(), "c".to_owned()];
            passed += u64::from(take_all(&store, &names, &limit).await.unwrap());
        }
        assert_eq!(passed, 10);
    });
}
