//! The suite that every store is held to.

use std::sync::{Arc, OnceLock};

use ratekeeper_redis::RedisStore;
use ratekeeper_store::testkit::Subject;
use testservers::Redis;
use tokio::runtime::Runtime;

/// One runtime for all tests of this process.
pub(crate) fn runtime() -> &'static Arc<Runtime> {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Arc::new(builder.worker_threads(2).enable_all().build().unwrap())
    })
}

/// A store at `url` as a subject of the suite.
pub(crate) fn subject(url: &str) -> Subject {
    let store = RedisStore::new(url).unwrap();
    Subject::new(store)
        .running(|future| runtime().block_on(future))
        .with_threads(16)
        .with_effort(20)
}

mod redis {
    ratekeeper_store::conformance!(super::subject(&super::Redis::shared().url()));
}
