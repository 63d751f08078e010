//! Throughput and latencies over one, two and three masters of a cluster.

#[allow(
    dead_code,
    unused_imports,
    reason = "the crate's own, of which this uses a part"
)]
#[path = "../../src/slot.rs"]
mod slot;

use testservers::bench::{Keys, Table};
use testservers::{Cluster, usage};

use crate::{Subject, bucket, coalesced, exact, measure, store_at};

pub(crate) async fn measure_all() {
    let cluster = Cluster::start();
    let url = format!("redis-cluster://{}/?prefix=rk:", cluster.nodes()[0].address());
    let together = coalesced(&store_at(&url));
    let mut table = Table::new("redis-cluster");
    let all = Keys::uniform(table.keys, table.seed);
    // Slots are shared out in three equal parts.
    let parts = [0, 1, 2].map(|part| part * 5461 + 100);
    let masters = parts.map(|slot| cluster.master_of_slot(slot));
    for node in cluster.nodes() {
        _ = usage::pin(node.pid(), 0);
    }
    let keys =
        [1, 2, 3].map(|count: u16| all.only(|key| slot::of(format!("rk:{key}").as_bytes()) < count * 5461));
    let mut subjects = Vec::new();
    for callers in [1, 50, 200] {
        let mut floor = None;
        for count in 1..=keys.len() {
            let place = table.subject(format!("cluster, {count} masters"), callers, floor);
            floor = floor.or(Some(place));
            subjects.push((callers, keys[count - 1].clone()));
        }
    }
    let subject = Subject::Store(together.clone(), bucket());
    for place in table.order() {
        let (callers, keys) = &subjects[place];
        let round = measure(&subject, *callers, keys, table.span, &masters).await;
        table.add(place, round);
    }
    table.finish();
    exact::prove(&together).await;
}
