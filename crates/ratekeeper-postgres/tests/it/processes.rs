//! Several processes.

use std::process::{Command, Stdio};

use testservers::Postgres;

use crate::support::{run, slow, store, take, take_all};

const URL: &str = "RATEKEEPER_TEST_URL";
const PROCESSES: usize = 4;
const EACH: u64 = 60;

/// What each process does; a test only to be found by its name.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a process of a test is told by the environment what to do"
)]
fn one_of_several() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    run(async {
        let (store, limit) = (store(&url), slow(100));
        let (mut single, mut pairs) = (0, 0);
        for _ in 0..EACH {
            single += u64::from(take(&store, "single", &limit, 1).await.unwrap());
            let names = ["pair/a".to_owned(), "pair/b".to_owned()];
            pairs += u64::from(take_all(&store, &names, &limit).await.unwrap());
        }
        println!("took {single} {pairs}");
    });
}

#[test]
fn exactly_as_many_pass_as_there_are() {
    let server = Postgres::with(&[]);
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["processes::one_of_several", "--exact", "--nocapture"])
                .env(URL, server.url())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut sums = [0, 0];
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.split_once("took ")).expect("a process tells").1;
        for (sum, number) in sums.iter_mut().zip(line.split(' ')) {
            *sum += number.parse::<u64>().unwrap();
        }
    }
    // All began at once: one of them made the schema.
    assert_eq!(sums, [100, 100]);
    assert_eq!(server.psql("SELECT count(*) FROM ratekeeper.migrations"), "3");
}
