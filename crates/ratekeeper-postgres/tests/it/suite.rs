//! The conformance suite.

use std::sync::Arc;

use ratekeeper_postgres::PostgresStore;
use ratekeeper_store::testkit::Subject;
use testservers::Postgres;

/// The store over a server, and what drives it.
pub(crate) fn subject(url: &str) -> Subject {
    let runtime = Arc::new(tokio::runtime::Runtime::new().unwrap());
    let store = {
        let _inside = runtime.enter();
        PostgresStore::new(url).unwrap()
    };
    Subject::new(store)
        .running(move |future| runtime.block_on(future))
        .with_threads(16)
        .with_effort(20)
}

ratekeeper_store::conformance!(subject(&Postgres::shared().url()));
