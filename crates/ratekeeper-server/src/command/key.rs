//! `ratekeeper key`: the counters of one subject, at a server.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::cli::{KeyAction, KeyArguments, SubjectArguments};
use crate::failure::{Failure, written};
use crate::remote::{Method, Remote};
use crate::shown::printable;

/// Asks the server, and prints its answer.
pub(crate) fn run(arguments: &KeyArguments) -> Result<(), Failure> {
    let change = |op: &str, cost: u64| Method::Post(json!({ "op": op, "cost": cost }));
    let (method, subject) = match &arguments.action {
        KeyAction::Get(subject) => (Method::Get, subject),
        KeyAction::Reset(subject) => (Method::Delete, subject),
        KeyAction::Refund { cost, subject } => (change("refund", *cost), subject),
        KeyAction::Charge { cost, subject } => (change("charge", *cost), subject),
    };
    let path = format!("/v1/keys/{}", crate::remote::escaped(&subject.rule));
    let answer = Remote::new(&subject.remote)?.ask(&method, &path, &subject.parts)?;
    let text = if subject.json {
        format!("{answer}\n")
    } else {
        table(subject, &answer)
    };
    written(std::io::stdout().write_all(text.as_bytes()))
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
