//! Through a pooler that lends sessions for a transaction.

use std::sync::{Arc, LazyLock};

use ratekeeper_postgres::PostgresStore;
use ratekeeper_store::testkit::{self, Subject};
use testservers::{Pooler, Postgres};

use crate::suite::subject;
use crate::support::{run, slow, store, take};

static POOLER: LazyLock<Pooler> = LazyLock::new(|| Pooler::in_front_of(Postgres::shared()));

fn url(schema: &str) -> String {
    format!("{}?schema={schema}", POOLER.url())
}

#[test]
fn it_does_what_it_does_without() {
    let subject: Subject = subject(&url("pooled"));
    for case in [
        "random_batches_with_shadows_answer_like_step",
        "many_threads_get_exactly_what_there_is",
        "overlapping_units_neither_block_nor_lose",
        "an_answer_given_up_spoils_no_other",
        "the_own_clock_runs_at_the_pace_of_time",
    ] {
        let again = Subject::new(Arc::clone(subject.store()));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        testkit::check(
            case,
            again.running(move |future| runtime.block_on(future)).with_threads(8).with_effort(10),
        );
    }
}

#[test]
fn many_clients_share_few_sessions() {
    run(async {
        let limit = slow(100);
        let stores: Vec<Arc<PostgresStore>> =
            (0..10).map(|_| Arc::new(store(&url("pooled_by_many")))).collect();
        let takes = (0..200).map(|index| {
            let (store, limit) = (Arc::clone(&stores[index % 10]), limit.clone());
            tokio::spawn(async move { take(&store, "pooled", &limit, 1).await.unwrap() })
        });
        let mut passed = 0;
        for take in takes.collect::<Vec<_>>() {
            passed += u64::from(take.await.unwrap());
        }
        assert_eq!(passed, 100);
        assert_eq!(stores[0].sweep().await.unwrap(), Some(0));
    });
}
