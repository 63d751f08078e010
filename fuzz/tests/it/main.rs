//! Every fuzz target over its corpus and mutations of it: a few seconds of fuzzing in every test run.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot read its own files should say where"
)]

mod corpus;
mod entry_points;
mod mutation;

use corpus::seeds;
use ratekeeper_fuzz::{TARGETS, Target};

/// How many mutations of each seed are tried.
const MUTATIONS: u64 = 400;

#[track_caller]
fn smoke(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds(name);
    for (index, seed) in seeds.iter().enumerate() {
        feed(target, &seed.bytes, &seed.name);
        for number in 0..MUTATIONS {
            let other = &seeds[(index + 1) % seeds.len()];
            let mutant = mutation::mutate(&seed.bytes, &other.bytes, number);
            feed(target, &mutant, &format!("mutation {number} of {}", seed.name));
        }
    }
}

/// Feeds one input; what fails is written out so that it can be replayed and kept.
#[track_caller]
fn feed(target: &Target, bytes: &[u8], what: &str) {
    let result = std::panic::catch_unwind(|| (target.run)(bytes));
    assert!(result.is_ok(), "{} fails on {what}: b\"{}\"", target.name, bytes.escape_ascii());
}

#[test]
fn limit() {
    smoke("limit");
}

#[test]
fn log_line() {
    smoke("log_line");
}

#[test]
fn policy() {
    smoke("policy");
}

#[test]
fn resp() {
    smoke("resp");
}

#[test]
fn step() {
    smoke("step");
}

#[test]
fn told() {
    smoke("told");
}

#[test]
fn every_target_has_seeds() {
    for target in TARGETS {
        let count = seeds(target.name).len();
        assert!(count >= 10, "{} has {count} seeds", target.name);
    }
}
