//! Whole requests by a policy, which is replaced while requests go on.

#![allow(clippy::print_stdout)]

use ratekeeper::engine::{Attributes, Engine, Policy, Request};

const POLICY: &str = "
rules:
  - name: login
    match: { methods: [POST], path: /login }
    key: [ip]
    limits: [ 5 per minute burst 2, 100 per day ]
  - name: everything
    key: [ip]
    limits: [ 100 per second ]
    mode: shadow
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(Policy::parse(POLICY, "policy.yaml", &|_| None)?)?;
    let login = Request::new(Attributes {
        ip: Some("203.0.113.7".parse()?),
        method: Some("POST"),
        path: Some("/login"),
        ..Attributes::default()
    });
    for _ in 0..3 {
        // A policy over stores in memory is decided at once; `check` is the form to await for others.
        let Some(outcome) = engine.check_now(&login) else {
            continue;
        };
        let refusing: Vec<_> = outcome.refusing().map(|limit| outcome.rule(limit).name()).collect();
        println!(
            "allowed: {}, refused by {refusing:?}, retry after {:?}",
            outcome.allowed(),
            outcome.retry_after()
        );
    }
    engine.swap(Policy::parse(&POLICY.replace("burst 2", "burst 20"), "policy.yaml", &|_| None)?)?;
    println!("after the reload: {:?}", engine.check_now(&login).map(|outcome| outcome.allowed()));
    Ok(())
}
