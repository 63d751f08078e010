//! Several processes share a limit.

use std::process::Command;

use testservers::Redis;

use crate::support::{left, limit, runtime, store, take};

const URL: &str = "RATEKEEPER_TEST_REDIS_URL";
const PROCESSES: u64 = 4;
const TAKES: u64 = 500;
const LIMIT: u64 = 1234;

/// Nothing by itself; in a process that [`processes_get_exactly_what_there_is`] starts, it takes what it can.
#[test]
#[allow(clippy::disallowed_methods, reason = "that is how it is told")]
fn takes_of_one_process() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let (store, limit) = (std::sync::Arc::new(store(&url)), std::sync::Arc::new(limit(LIMIT)));
    let admitted = runtime().block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..TAKES {
            let (store, limit) = (std::sync::Arc::clone(&store), std::sync::Arc::clone(&limit));
            tasks.spawn(async move { take(&store, b"shared", &limit).await.unwrap() });
        }
        tasks.join_all().await.into_iter().filter(|admitted| *admitted).count()
    });
    println!("admitted={admitted}");
}

#[test]
fn processes_get_exactly_what_there_is() {
    let redis = Redis::start();
    let this = std::env::current_exe().unwrap();
    let start = |_| {
        let mut command = Command::new(&this);
        command
            .args(["--exact", "processes::takes_of_one_process", "--nocapture"])
            .env(URL, redis.url());
        command.stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<_> = (0..PROCESSES).map(start).collect();
    let admitted = started.into_iter().map(|process| {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, count) = text.split_once("admitted=").expect("the count");
        count.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    });
    assert_eq!(admitted.sum::<u64>(), LIMIT);
    assert_eq!(left(&store(&redis.url()), b"shared", &limit(LIMIT)), 0);
}
