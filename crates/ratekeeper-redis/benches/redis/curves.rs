//! What the server takes of processor and memory, against load and keys.

use std::sync::Arc;

use ratekeeper_core::{Key, Limit, Micros, Op};
use ratekeeper_store::{Batch, Check, Store};
use testservers::bench::{Keys, Table, Watch};

use crate::{Subject, bucket, coalesced, measure, server, store_at};

pub(crate) async fn measure_all() {
    let server = server();
    let store = store_at(&format!("{}/?prefix=rk:", server.url()));
    let together = coalesced(&store);
    let mut table = Table::new("redis-curves");
    let (keys, mut subjects) = (Keys::uniform(table.keys, table.seed), Vec::new());
    for callers in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] {
        table.subject("coalesced", callers, Some(0));
        subjects.push(callers);
    }
    let subject = Subject::Store(together, bucket());
    for place in table.order() {
        let mut round = measure(&subject, subjects[place], &keys, table.span, &[&server]).await;
        let memory = server.info("used_memory").parse::<f64>().unwrap();
        round.more.push(("memory MB", memory / 1e6));
        table.add(place, round);
    }
    for (name, limit) in [
        ("token bucket", bucket()),
        ("sliding window", Limit::sliding_window(1000, Micros::HOUR).unwrap()),
        ("sliding log, one entry", Limit::sliding_log(1000, Micros::HOUR).unwrap()),
    ] {
        for count in [10_000, 100_000, 1_000_000] {
            server.command(&["FLUSHALL"]);
            let empty = server.info("used_memory").parse::<f64>().unwrap();
            let pids = [server.pid()];
            let watch = Watch::start(&pids);
            fill(&store, &limit, &Keys::uniform(count, table.seed)).await;
            let mut round = watch.stop(count, Vec::new());
            let memory = server.info("used_memory").parse::<f64>().unwrap();
            round.more.push(("bytes a key", (memory - empty) / count as f64));
            let place = table.subject(format!("fill: {name}, {count} keys"), 1, None);
            table.add(place, round);
        }
    }
    table.finish();
}

/// Takes from every key once.
async fn fill(store: &Arc<dyn Store>, limit: &Limit, keys: &Keys) {
    for some in keys.names().chunks(128) {
        let mut batch = Batch::new();
        for key in some {
            batch.push(Op::Take, [Check::new(Key::new(key.as_bytes()).unwrap(), limit, 1)]);
        }
        store.apply(&mut batch).wait().await.unwrap();
    }
}
