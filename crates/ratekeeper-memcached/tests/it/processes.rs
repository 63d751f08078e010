//! Several processes, one limit.

use std::process::{Command, Stdio};
use std::sync::Arc;

use ratekeeper_core::{Ask, Holder, Key, Limit, MAX_SPAN, Micros, Op};
use ratekeeper_store::{StoreError, StoreExt as _};
use testservers::Memcached;

use crate::runtime::{runtime, store, url};

const PROCESSES: u128 = 3;
const TASKS: u128 = 8;
const TAKES: u128 = 40;

/// Where a process that another has started finds the server.
const URL: &str = "RATEKEEPER_TEST_MEMCACHED";

fn limits() -> Vec<(&'static str, Limit)> {
    vec![
        ("fixed window", Limit::fixed_window(321, MAX_SPAN).unwrap()),
        ("bucket", Limit::token_bucket(123, MAX_SPAN).unwrap()),
        ("concurrency", Limit::concurrency(77, Micros::DAY).unwrap()),
        ("log", Limit::sliding_log(55, MAX_SPAN).unwrap()),
    ]
}

/// One of the processes: says how many of its takes passed.
#[test]
#[ignore = "runs in processes that the next test starts"]
#[allow(
    clippy::disallowed_methods,
    reason = "the only way through the harness of the tests"
)]
fn one_of_several() {
    let (url, number) = (std::env::var(URL).unwrap(), u128::from(std::process::id()));
    let store = Arc::new(store(&url));
    for (name, limit) in limits() {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (store, limit) = (Arc::clone(&store), limit.clone());
                runtime().spawn(async move {
                    let mut passed = 0;
                    for take in 0..TAKES {
                        let holder = Holder::new(number << 64 | task << 32 | take);
                        let ask = Ask::new(Op::Take, 1).by(holder);
                        let verdict = loop {
                            match store.ask(Key::new(name.as_bytes()).unwrap(), &limit, &ask).await {
                                Err(StoreError::Contended { .. }) => {}
                                answer => break answer.unwrap(),
                            }
                        };
                        passed += u64::from(verdict.allowed);
                    }
                    passed
                })
            })
            .collect();
        let passed: u64 = tasks.into_iter().map(|task| runtime().block_on(task).unwrap()).sum();
        println!("passed {passed} {name}");
    }
}

#[test]
fn several_processes_get_exactly_what_there_is() {
    let node = Memcached::start();
    let started: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "processes::one_of_several", "--ignored", "--nocapture"])
                .env(URL, url(&[&node]))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let said: Vec<_> = started
        .into_iter()
        .map(|process| String::from_utf8(process.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    for (name, limit) in limits() {
        let lines = said.iter().flat_map(|said| said.lines());
        let line = lines.filter_map(|line| line.split_once("passed ")?.1.strip_suffix(&format!(" {name}")));
        let passed: Vec<u64> = line.map(|number| number.parse().unwrap()).collect();
        assert_eq!(passed.len(), PROCESSES as usize, "{said:?}");
        assert_eq!(passed.iter().sum::<u64>(), limit.count(), "{name}: {passed:?}");
    }
}
