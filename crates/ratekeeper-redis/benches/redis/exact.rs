//! That nothing is admitted beyond the limits under full load.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ratekeeper_core::{Key, Limit, Micros};
use ratekeeper_store::{Store, StoreExt as _};
use testservers::bench::Chance;
use tokio::time::Instant;

const KEYS: usize = 1000;
const CAPACITY: u64 = 50;
const CALLERS: u64 = 200;
const CALLS: usize = 500;

/// Asks for twice of what a thousand keys have, two hundred callers at a time, and counts.
pub(crate) async fn prove(store: &Arc<dyn Store>) {
    let limit = Limit::token_bucket(CAPACITY, Micros::DAY).unwrap();
    let admitted: Arc<Vec<AtomicU64>> = Arc::new((0..KEYS).map(|_| AtomicU64::new(0)).collect());
    let (start, mut tasks) = (Instant::now(), tokio::task::JoinSet::new());
    for caller in 0..CALLERS {
        let (store, limit, admitted) = (Arc::clone(store), limit.clone(), Arc::clone(&admitted));
        tasks.spawn(async move {
            let mut chance = Chance(caller);
            for _ in 0..CALLS {
                let place = usize::try_from(chance.draw()).unwrap() % KEYS;
                let key = format!("exact:{{{place}}}");
                if store.take(Key::new(key.as_bytes()).unwrap(), &limit, 1).await.unwrap().allowed {
                    admitted[place].fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    tasks.join_all().await;
    // A day's share of a minute: less than one.
    assert!(start.elapsed().as_secs() < 60, "too slow to be judged");
    let most = admitted.iter().map(|admitted| admitted.load(Ordering::Relaxed)).max().unwrap();
    let full = admitted.iter().filter(|admitted| admitted.load(Ordering::Relaxed) == CAPACITY).count();
    assert!(most <= CAPACITY, "{most} admitted of {CAPACITY}");
    println!(
        "exact: {} checks on {KEYS} keys of {CAPACITY}: at most {most} admitted, {full} keys used up",
        CALLERS * CALLS as u64
    );
}
