//! The policy language from the outside.

// Helpers are not marked as tests, which may panic.
#![allow(clippy::unwrap_used, clippy::panic)]

mod applicable;
mod descriptors;
mod envoy;
mod errors;
mod examples;
mod explain;
mod hostile;
mod keys;
mod lists;
mod many;
mod overrides;

use ratekeeper_policy::{Applicable, Attributes, Policy};

/// The policy in `source`, which must be right.
fn policy(source: &str) -> Policy {
    Policy::parse(source, "policy.yaml", &environment).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What is wrong with `source`, which must be wrong.
fn errors(source: &str) -> String {
    match Policy::parse(source, "p.yaml", &environment) {
        Ok(_) => panic!("this is accepted:\n{source}"),
        Err(errors) => errors.to_string(),
    }
}

fn environment(name: &str) -> Option<String> {
    (name == "REDIS_URL").then(|| "redis://:hunter2@db:6379".to_owned())
}

/// One rule with these lines, and a limit.
fn rule(lines: &str) -> String {
    let mut source = "rules:\n  - name: r\n    limits: 100/s\n".to_owned();
    for line in lines.lines() {
        source.push_str("    ");
        source.push_str(line.trim_start_matches("    "));
        source.push('\n');
    }
    source
}

/// The names of the rules that apply.
fn names(policy: &Policy, attributes: &Attributes<'_>) -> Vec<String> {
    let mut out = Applicable::new();
    policy.applicable(attributes, 1, ratekeeper_core::Timestamp::EPOCH, &mut out);
    out.rules().iter().map(|applied| applied.rule.name().to_owned()).collect()
}

/// The stored keys of the limits that apply.
fn keys(policy: &Policy, attributes: &Attributes<'_>) -> Vec<String> {
    let mut out = Applicable::new();
    policy.applicable(attributes, 1, ratekeeper_core::Timestamp::EPOCH, &mut out);
    (0..out.limits().len())
        .map(|index| String::from_utf8(out.key(index).to_vec()).unwrap())
        .collect()
}
