//! Several processes, one limit, and what a process finds in its environment.

use std::process::{Command, Stdio};
use std::sync::Arc;

use ratekeeper_core::{Holder, Key, Limit, MAX_SPAN, Micros, Op};
use ratekeeper_dynamodb::{DynamoDbConfig, DynamoDbStore};
use ratekeeper_store::{Batch, Check, Store as _, StoreError};
use testservers::DynamoDb;

use crate::common::{bucket, runtime, take, url};

const PROCESSES: usize = 3;
const TASKS: u128 = 3;
const BATCHES: u128 = 6;
/// Units of a batch; all together they ask for more than there is.
const UNITS: u128 = 3;

/// Where a process that another has started finds the table.
const URL: &str = "RATEKEEPER_TEST_DYNAMODB";

fn limits() -> Vec<(&'static str, Limit)> {
    vec![
        ("bucket", Limit::token_bucket(101, MAX_SPAN).unwrap()),
        ("window", Limit::fixed_window(97, MAX_SPAN).unwrap()),
        ("sliding", Limit::sliding_window(53, MAX_SPAN).unwrap()),
        ("log", Limit::sliding_log(41, MAX_SPAN).unwrap()),
        ("concurrency", Limit::concurrency(43, Micros::DAY).unwrap()),
        ("together", Limit::token_bucket(29, MAX_SPAN).unwrap()),
    ]
}

/// The table of a process that a test has started: it runs the same test in the other role.
#[allow(
    clippy::disallowed_methods,
    reason = "the only way through the harness of the tests"
)]
fn url_of_the_environment() -> Option<String> {
    std::env::var(URL).ok()
}

/// A batch of units of one limit; in one case of two keys each, the second of which never refuses.
async fn ask(store: &DynamoDbStore, name: &str, limit: &Limit, first: u128) -> u64 {
    let wide = Limit::fixed_window(10_000, MAX_SPAN).unwrap();
    let mut batch = Batch::new();
    for holder in first..first + UNITS {
        let mut checks = vec![Check::new(Key::new(name.as_bytes()).unwrap(), limit, 1)];
        if name == "together" {
            checks.push(Check::new(Key::new(b"wide").unwrap(), &wide, 1));
        }
        batch.push_by(Op::Take, Holder::new(holder), checks);
    }
    loop {
        match store.apply(&mut batch).wait().await {
            // Nothing was written then.
            Err(StoreError::Contended { .. }) => {}
            answer => break answer.unwrap(),
        }
    }
    batch.units().iter().map(|unit| u64::from(unit.passes)).sum()
}

/// Says how many of its takes passed. It finds its region and credentials by itself.
#[allow(
    clippy::print_stdout,
    reason = "that is how it tells the test that started it"
)]
fn be_one_of_several(url: &str) {
    let store = DynamoDbStore::new(url, DynamoDbConfig::default()).unwrap();
    let (store, number) = (Arc::new(store), u128::from(std::process::id()));
    for (name, limit) in limits() {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (store, limit) = (Arc::clone(&store), limit.clone());
                runtime().spawn(async move {
                    let mut passed = 0;
                    for batch in 0..BATCHES {
                        let first = number << 64 | task << 32 | (batch * UNITS);
                        passed += ask(&store, name, &limit, first + 1).await;
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
    if let Some(url) = url_of_the_environment() {
        return be_one_of_several(&url);
    }
    let started: Vec<_> = (0..PROCESSES)
        .map(|_| {
            process("processes::several_processes_get_exactly_what_there_is")
                .env(URL, url("processes", &DynamoDb::shared().url()))
                .env("AWS_REGION", "eu-west-1")
                .env("AWS_ACCESS_KEY_ID", "local")
                .env("AWS_SECRET_ACCESS_KEY", "local")
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let output = |process: std::process::Child| process.wait_with_output().unwrap().stdout;
    let said: Vec<_> =
        started.into_iter().map(|process| String::from_utf8(output(process)).unwrap()).collect();
    for (name, limit) in limits() {
        let lines = said.iter().flat_map(|said| said.lines());
        let line = lines.filter_map(|line| line.split_once("passed ")?.1.strip_suffix(&format!(" {name}")));
        let passed: Vec<u64> = line.map(|number| number.parse().unwrap()).collect();
        assert_eq!(passed.len(), PROCESSES, "{said:?}");
        assert_eq!(passed.iter().sum::<u64>(), limit.count(), "{name}: {passed:?}");
    }
}

#[test]
fn an_environment_without_credentials_or_region_is_told() {
    if let Some(url) = url_of_the_environment() {
        let store = DynamoDbStore::new(&url, DynamoDbConfig::default()).unwrap();
        println!("said {}", runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap_err());
        return;
    }
    let said = |region: Option<&str>| {
        let mut process = process("processes::an_environment_without_credentials_or_region_is_told");
        process
            .env(URL, url("nobody", &DynamoDb::shared().url()))
            .env("AWS_EC2_METADATA_DISABLED", "true");
        process.envs(region.map(|region| ("AWS_REGION", region)));
        String::from_utf8(process.output().unwrap().stdout).unwrap()
    };
    let text = said(Some("eu-west-1"));
    assert!(
        text.contains("not set up: no credentials of AWS") && text.contains("AWS_ACCESS_KEY_ID"),
        "{text}"
    );
    let text = said(None);
    assert!(text.contains("no region is set") && text.contains("AWS_REGION"), "{text}");
}

/// A process that runs one test, in an environment without anything of AWS.
fn process(test: &str) -> Command {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.env_clear().args(["--exact", test, "--nocapture"]);
    process
}
