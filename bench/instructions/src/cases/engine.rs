//! Whole requests, by policies of one rule and of many.

use std::fmt::Write as _;
use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;

use ratekeeper::ManualClock;
use ratekeeper::engine::{Attributes, Engine, Policy, Request, Secret};

use crate::case::{Case, Operation};
use crate::clock::{clock, tick};

const GENEROUS: &str = "1000000 per second";
const THREE: &str = "rules:
  - { name: login, match: { methods: [POST], path: /login }, key: [ip], limits: [ 5 per minute ] }
  - { name: api, match: { path: '/api/{*rest}' }, key: [user], limits: [ 1000000 per second, 100000000000 per day ] }
  - { name: all, limits: [ { rate: 1000000000 per hour, algorithm: sliding_window } ] }";
const ORDERS: &str = "/api/v1/orders";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("engine/1_rule/allowed", || requests(&one_rule(GENEROUS), ORDERS, true)),
        Case::new("engine/1_rule/denied", || requests(&one_rule("1 per hour"), ORDERS, false)),
        Case::new("engine/3_rules/allowed", || requests(THREE, ORDERS, true)),
        Case::new("engine/5_limits/allowed", || requests(&one_rule(&five_limits()), ORDERS, true)),
        Case::new("engine/100_rules/allowed", || requests(&rules(100), "/service77/orders", true)),
        Case::new("engine/10000_rules/allowed", || requests(&rules(10_000), "/service7777/orders", true)),
    ]
}

fn one_rule(limits: &str) -> String {
    format!("rules: [{{ name: per-client, key: [ip], limits: [ {limits} ] }}]")
}

fn five_limits() -> String {
    ["1000000 per second"; 5].iter().zip(["second", "minute", "hour", "day", "week"]).fold(
        String::new(),
        |mut limits, (_, unit)| {
            let comma = if limits.is_empty() { "" } else { ", " };
            write!(limits, "{comma}100000000 per {unit}").expect("to a string");
            limits
        },
    )
}

/// So many rules, each for a path of its own.
fn rules(count: usize) -> String {
    let mut policy = "rules:\n".to_owned();
    for index in 0..count {
        let rule = format!("name: r{index}, match: {{ path: '/service{index}/{{*rest}}' }}, key: [ip]");
        writeln!(policy, "  - {{ {rule}, limits: [ {GENEROUS} ] }}").expect("to a string");
    }
    policy
}

/// An engine whose answers are the same in every run.
pub(super) fn engine(policy: &str, clock: &Arc<ManualClock>) -> Engine {
    let policy = Policy::parse(policy, "policy.yaml", &|_| None).expect("a valid policy");
    let builder = Engine::builder(policy).clock(clock.clone()).secret(Secret::new([7; 32]));
    builder.build().expect("an engine")
}

fn requests(policy: &str, path: &'static str, expected: bool) -> Operation {
    let clock = clock();
    let engine = engine(policy, &clock);
    let request = move || {
        Request::new(Attributes {
            ip: Some(IpAddr::from([203, 0, 113, 7])),
            user: Some("alice"),
            method: Some("GET"),
            path: Some(path),
            ..Attributes::default()
        })
    };
    if !expected {
        assert!(engine.check_now(&request()).is_some_and(|outcome| outcome.allowed()));
    }
    Box::new(move || {
        tick(&clock);
        let outcome = engine.check_now(black_box(&request())).expect("memory answers at once");
        assert!(outcome.allowed() == expected);
    })
}
