//! One limit for several processes: counters in Redis, at the url that is given as argument. Without a Redis each request is
//! decided in this process, as its rule says, and the outcome says so.

#![allow(clippy::print_stdout)]

use std::sync::Arc;

use ratekeeper::engine::{Attributes, Engine, Policy, Request};
use ratekeeper::remote::{RedisStore, Wrappers};

const POLICY: &str = "
stores:
  shared: redis://127.0.0.1:6379
rules:
  - name: login
    key: [ip]
    limits: [ 2 per minute ]
    store: shared
    on_store_error: local
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    // Around it: a deadline, a breaker, coalescing and a short cache of refusals.
    let store = Wrappers::default().wrap(Arc::new(RedisStore::new(&url)?));
    let policy = Policy::parse(POLICY, "policy.yaml", &|_| None)?;
    let engine = Engine::builder(policy).store("shared", Arc::new(store)).build()?;
    let login = Request::new(Attributes { ip: Some("203.0.113.7".parse()?), ..Attributes::default() });
    for _ in 0..3 {
        let outcome = engine.check(&login).await;
        println!(
            "allowed: {}, retry after {:?}{}",
            outcome.allowed(),
            outcome.retry_after(),
            if outcome.degraded() {
                ", decided without Redis"
            } else {
                ""
            }
        );
    }
    Ok(())
}
