//! Counting by the response, and stores that have to be asked.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::StatusCode;
use ratekeeper_core::Micros;
use ratekeeper_engine::Engine;
use ratekeeper_policy::Policy;
use ratekeeper_store::testkit::{Fault, Faulty};
use ratekeeper_store::{MemoryStore, StoreError};

use super::{Front, ask, engine, from, header, service, status};

#[tokio::test]
async fn only_failed_log_ins_are_charged() {
    let (engine, clock) = engine("rules: [{ name: login, key: [ip], limits: [ 2 per minute ] }]");
    let layer = Front::new(engine).charge_when(|response| status(response) == 401);
    let (limited, served) = service(&layer).await;
    for _ in 0..10 {
        let good = ask(&limited, from("203.0.113.7", "/200")).await;
        assert_eq!(good.status(), StatusCode::OK);
        assert!(header(&good, "ratelimit").unwrap().starts_with("\"login\";r=2"));
    }
    for remaining in ["1", "0"] {
        let bad = ask(&limited, from("203.0.113.7", "/401")).await;
        assert_eq!(bad.status(), StatusCode::UNAUTHORIZED);
        assert!(header(&bad, "ratelimit").unwrap().starts_with(&format!("\"login\";r={remaining}")));
    }
    let refused = ask(&limited, from("203.0.113.7", "/200")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "also with the right password");
    assert_eq!(served.load(Ordering::Relaxed), 12);
    clock.advance(Micros::from_secs(30));
    assert_eq!(ask(&limited, from("203.0.113.7", "/200")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_store_that_fails_is_no_refusal() {
    let source = "stores: { far: { type: memory } }
rules:
  - { name: open, key: [ip], limits: [ 1 per minute ], store: far, on_store_error: allow, match: { path: /200 } }
  - { name: shut, key: [ip], limits: [ 1 per minute ], store: far, on_store_error: deny, match: { path: /201 } }";
    let store = Arc::new(Faulty::new(MemoryStore::default()));
    let policy = Policy::parse(source, "policy.yaml", &|_| None).unwrap();
    let engine = Engine::builder(policy).store("far", Arc::clone(&store) as _).build().unwrap();
    let (limited, _) = service(&Front::new(engine)).await;
    store.break_down(Fault::Fail(StoreError::Timeout));
    for _ in 0..3 {
        assert_eq!(ask(&limited, from("203.0.113.7", "/200")).await.status(), StatusCode::OK);
    }
    let shut = ask(&limited, from("203.0.113.7", "/201")).await;
    assert_eq!(shut.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(header(&shut, "retry-after").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_queue_s_delay_is_waited_out() {
    let rules = "rules: [{ name: queue, key: [ip], limits: [ { rate: 1 per second, algorithm: leaky_bucket, max_delay: 2s } ] }]";
    let (limited, _) = service(&Front::new(engine(rules).0)).await;
    let start = tokio::time::Instant::now();
    for seconds in 0..3 {
        assert_eq!(ask(&limited, from("203.0.113.7", "/x")).await.status(), StatusCode::OK);
        // The engine's clock stands still, so that each waits a second more than the one before it.
        let waited = start.elapsed().as_secs();
        assert_eq!(waited, (0..=seconds).sum::<u64>());
    }
    assert_eq!(ask(&limited, from("203.0.113.7", "/x")).await.status(), StatusCode::TOO_MANY_REQUESTS);
}
