//! `ratekeeper key`: the counters of one subject, at a server or at the stores themselves.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ratekeeper_engine::{Engine, Operation};
use ratekeeper_policy::{Rule, StoreConfig, StoreKind};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{load_policy, runtime};
use crate::cli::{KeyAction, KeyArguments, SubjectArguments};
use crate::failure::{Failure, written};
use crate::http::operate_on;
use crate::remote::{Method, Remote};
use crate::shown::printable;
use crate::stores;

/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the server, or the stores themselves, and prints the answer.
pub(crate) fn run(arguments: &KeyArguments) -> Result<(), Failure> {
    let (operation, subject) = match &arguments.action {
        KeyAction::Get(subject) => (Operation::Inspect, subject),
        KeyAction::Reset(subject) => (Operation::Reset, subject),
        KeyAction::Refund { cost, subject } => (Operation::Refund(*cost), subject),
        KeyAction::Charge { cost, subject } => (Operation::Charge(*cost), subject),
        KeyAction::Top(top) => return super::top::run(top),
    };
    let answer = match &subject.policy {
        Some(policy) => at_the_stores(policy, subject, operation)?,
        None => at_the_server(subject, operation)?,
    };
    let text = if subject.json {
        format!("{answer}\n")
    } else {
        table(subject, &answer)
    };
    written(std::io::stdout().write_all(text.as_bytes()))
}

fn at_the_server(subject: &SubjectArguments, operation: Operation) -> Result<Value, Failure> {
    let change = |op: &str, cost: u64| Method::Post(json!({ "op": op, "cost": cost }));
    let method = match operation {
        Operation::Inspect => Method::Get,
        Operation::Reset => Method::Delete,
        Operation::Refund(cost) => change("refund", cost),
        Operation::Charge(cost) => change("charge", cost),
    };
    let path = format!("/v1/keys/{}", crate::remote::escaped(&subject.rule));
    Ok(Remote::new(&subject.remote)?.ask(&method, &path, &subject.parts)?)
}

/// Without a server: the counters are where its policy says.
fn at_the_stores(path: &Path, subject: &SubjectArguments, operation: Operation) -> Result<Value, Failure> {
    let policy = load_policy(path, &subject.env)?;
    let in_memory = |rule: &Rule| {
        let config = policy.stores().find(|(name, _)| *name == rule.store());
        rule.name() == subject.rule && config.is_some_and(|(_, config)| config.kind == StoreKind::Memory)
    };
    if policy.rules().iter().any(in_memory) {
        let reason = "its counters are in the memory of a server: ask that, without --policy";
        return Err(Failure::start(&format!("rule {}", subject.rule), reason));
    }
    runtime()?.block_on(async {
        let connect = |_: &str, config: &StoreConfig| stores::bare(config);
        let engine = Engine::builder(policy).connect(Arc::new(connect)).build()?;
        let operated = operate_on(&engine, &subject.rule, &subject.parts, operation);
        let done = timeout(PATIENCE, operated)
            .await
            .map_err(|_| Failure::start_alone("the store does not answer"))?;
        let json = done.map_err(|error| Failure::start_alone(error.detail()))?.json;
        Ok(serde_json::from_slice(&json).unwrap_or_default())
    })
}

fn table(subject: &SubjectArguments, answer: &Value) -> String {
    let parts: Vec<String> = subject.parts.iter().map(|(part, value)| format!("{part}={value}")).collect();
    let mut text = printable(&format!("{} {}", subject.rule, parts.join(" "))) + "\n";
    for limit in answer["limits"].as_array().into_iter().flatten() {
        let seconds = |name: &str| limit[name].as_u64().map(|micros| micros.div_ceil(1_000_000));
        let name = printable(limit["limit"].as_str().unwrap_or_default());
        let left = limit["remaining"].as_u64().unwrap_or_default();
        text.push_str(&format!("  {name}: {left} left"));
        match (limit["allowed"].as_bool(), seconds("retry_after_us")) {
            (Some(false), Some(wait)) => text.push_str(&format!(", refuses for {wait} s")),
            (Some(false), None) => text.push_str(", refuses"),
            _ => {}
        }
        if let Some(reset) = seconds("reset_after_us").filter(|reset| *reset > 0) {
            text.push_str(&format!(", as new in {reset} s"));
        }
        text.push('\n');
    }
    text
}
