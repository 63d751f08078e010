//! Rules over several stores: reserved in order, given back on a refusal.

use std::sync::{Arc, Mutex};

use ratekeeper_core::Micros;
use ratekeeper_engine::{Engine, EngineError, Request, RequestOp};
use ratekeeper_policy::StoreConfig;
use ratekeeper_store::{Answer, Batch, Capabilities, MemoryStore, Store, StoreError};

use crate::{Setup, lines, policy, user_request};

const POLICY: &str = "
stores: { one: { type: memory }, two: { type: memory } }
rules:
  - { name: a, key: [user], limits: [9 per hour, 8 per day], store: one }
  - { name: b, key: [user], limits: [2 per hour], store: two }
  - { name: c, key: [user], limits: [1 per hour], store: one, mode: shadow }
  - { name: d, key: [user], limits: [7 per hour] }
";

#[test]
fn a_refusal_of_one_store_leaves_the_others_as_they_were() {
    let setup = Setup::new(POLICY);
    assert!(setup.user("alice").allowed());
    assert!(setup.user("alice").allowed());
    for _ in 0..3 {
        let refused = setup.user("alice");
        assert!(!refused.allowed());
        let expected = [
            ("a", 0, true, 7),
            ("a", 1, true, 6),
            ("b", 0, false, 0),
            ("c", 0, false, 0),
            ("d", 0, true, 5),
        ];
        assert_eq!(lines(&refused), expected);
    }
}

#[test]
fn many_threads_over_two_stores_admit_what_the_smaller_limit_admits() {
    let setup = Setup::new(POLICY);
    let admitted = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| (0..50).filter(|_| setup.user("alice").allowed()).count()))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum::<usize>()
    });
    assert!(admitted <= 2, "never beyond the envelope");
    let after = setup.user("alice");
    let left = lines(&after);
    assert_eq!(
        (left[0].3, left[1].3),
        (9 - admitted as u64, 8 - admitted as u64),
        "net of refunds, nothing is lost"
    );
}

#[test]
fn a_refused_partial_take_says_of_the_other_stores_what_is_true() {
    let rules = "stores: { one: { type: memory }, two: { type: memory } }
rules:
  - { name: a, key: [user], limits: [1 per hour], store: one }
  - { name: b, key: [user], limits: [20 per hour], store: two }";
    let setup = Setup::new(rules);
    assert!(setup.user("alice").allowed());
    let up_to = Request::new(user_request("alice")).costing(50).asking(RequestOp::TakeUpTo);
    let refused = setup.check(&up_to);
    let names: Vec<_> = refused.refusing().map(|limit| refused.rule(limit).name()).collect();
    assert_eq!(names, ["a"]);
    assert_eq!(refused.retry_after(), Some(Micros::HOUR));
}

/// A store that can hold small states only.
#[derive(Debug, Default)]
struct Narrow(MemoryStore);

impl Store for Narrow {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        self.0.apply(batch)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { largest_state: Some(1000), ..self.0.capabilities() }
    }
}

/// Makes stores, and remembers for which urls.
fn connecting(source: &str) -> (Result<Engine, EngineError>, Arc<Mutex<Vec<String>>>) {
    let made = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&made);
    let connect = move |_: &str, config: &StoreConfig| {
        let url = config.url.as_ref().unwrap().reveal().to_owned();
        if url.contains("wrong") {
            return Err(StoreError::Misconfigured { reason: "the port is no number".to_owned() });
        }
        log.lock().unwrap().push(url);
        Ok(Arc::new(Narrow::default()) as Arc<dyn Store>)
    };
    (Engine::builder(policy(source)).connect(Arc::new(connect)).build(), made)
}

#[test]
fn stores_are_made_once_and_again_when_the_policy_describes_them_differently() {
    let rules = |url: &str, count: u64| {
        format!(
            "stores: {{ far: \"{url}\" }}\nrules: [{{ name: a, limits: [\"{count} per 365d (fixed_window)\"], store: far }}]"
        )
    };
    let (engine, made) = connecting(&rules("redis://one", 5));
    let engine = engine.unwrap();
    let take = || {
        engine.check_now(&Request::new(user_request("alice"))).unwrap().limits[0]
            .verdict
            .unwrap()
            .remaining
    };
    assert_eq!(take(), 4);
    engine.swap(policy(&rules("redis://one", 9))).unwrap();
    assert_eq!(take(), 7, "the counters and the connections are those from before");
    engine.swap(policy(&rules("redis://two", 9))).unwrap();
    assert_eq!(take(), 8);
    assert_eq!(*made.lock().unwrap(), ["redis://one", "redis://two"]);
    let error = engine.swap(policy(&rules("redis://wrong", 9))).unwrap_err();
    assert_eq!(error.to_string(), "stores.far: the store is not set up: the port is no number");
    assert_eq!(take(), 7, "the old policy goes on");
}

#[test]
fn a_limit_that_its_store_cannot_hold_is_refused() {
    let rules = |limit: &str| {
        format!(
            "stores: {{ far: \"redis://one\" }}\nrules: [{{ name: a, limits: [\"{limit}\"], store: far }}]"
        )
    };
    assert!(connecting(&rules("50 per hour (sliding_log)")).0.is_ok());
    let error = connecting(&rules("10000 per hour (sliding_log)")).0.unwrap_err().to_string();
    assert!(
        error.starts_with("rule \"a\": 10000 per 1h (sliding_log) may have to remember 160017 bytes"),
        "{error}"
    );
}
