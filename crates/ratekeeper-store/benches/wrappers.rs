//! What the wrappers cost around a store that answers at once, and around the same that counts as remote: read the
//! differences, in nanoseconds a call.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::sync::Arc;

use ratekeeper_core::{Ask, Key, Limit, Micros, Op};
use ratekeeper_store::{Answer, Batch, Capabilities, Clock, MemoryStore, Store, SystemClock, Wrappers};

/// A store in memory that says it makes a trip.
#[derive(Debug, Default)]
struct Remote(MemoryStore);

impl Store for Remote {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        self.0.apply(batch)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { trips: 1, ..self.0.capabilities() }
    }
}

/// The best of many short rounds: in some of them nobody else had the processor.
async fn nanos(store: &dyn Store, limit: &Limit) -> u64 {
    let clock = SystemClock::new();
    let mut best = u64::MAX;
    for _ in 0..1000 {
        let start = clock.now();
        for _ in 0..1000 {
            let key = Key::new(black_box(b"user:000000001")).unwrap();
            let mut batch = Batch::single(key, limit, &Ask::new(Op::Take, 1));
            store.apply(&mut batch).wait().await.unwrap();
        }
        best = best.min(clock.now().since(start).get());
    }
    best
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let limit = Limit::token_bucket(1_000_000, Micros::SECOND).unwrap().with_burst(1 << 40).unwrap();
    let spent = Limit::fixed_window(1, Micros::DAY).unwrap();
    let none = Wrappers { deadline: None, breaker: None, coalesce: None, deny_cache: false };
    let all = Wrappers::default();
    println!("without                 {:4}", nanos(&MemoryStore::default(), &limit).await);
    for (name, wrappers) in [
        ("counters only", none),
        ("deadline", Wrappers { deadline: all.deadline, ..none }),
        ("breaker", Wrappers { breaker: all.breaker, ..none }),
        ("coalesce", Wrappers { coalesce: all.coalesce, ..none }),
        ("deny cache", Wrappers { deny_cache: true, ..none }),
        ("all", all),
    ] {
        let memory = nanos(&wrappers.wrap(Arc::new(MemoryStore::default())), &limit).await;
        let remote = nanos(&wrappers.wrap(Arc::new(Remote::default())), &limit).await;
        println!("{name:<15} memory  {memory:4}  remote {remote:4}");
    }
    println!(
        "refused from the cache  {:4}",
        nanos(&all.wrap(Arc::new(Remote::default())), &spent).await
    );
}
