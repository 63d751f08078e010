//! `ratekeeper top`: what a server decides, as it does.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

use serde_json::Value;

use crate::cli::{OutputFormat, TopArguments};
use crate::failure::{Failure, written};
use crate::remote::{Method, Remote};
use crate::shown::{number, printable};

/// Looks again and again, until it is interrupted.
pub(crate) fn run(arguments: &TopArguments) -> Result<(), Failure> {
    let remote = Remote::new(&arguments.remote)?;
    let mut before = None;
    loop {
        let now = remote.ask(&Method::Get, "/v1/top", &[("n".to_owned(), arguments.number.to_string())])?;
        let text = match arguments.format {
            OutputFormat::Json => format!("{now}\n"),
            OutputFormat::Text => screen(&now, before.as_ref(), arguments.interval),
        };
        // A terminal shows the newest look only.
        let clear = if arguments.once || !stdout().is_terminal() {
            ""
        } else {
            "\u{1b}[H\u{1b}[2J"
        };
        written(write!(stdout(), "{clear}{text}").and_then(|()| stdout().flush()))?;
        if arguments.once {
            return Ok(());
        }
        before = Some(now);
        pause(Duration::from_secs(arguments.interval));
    }
}

// People look at this: time must pass from one look to the next.
#[allow(clippy::disallowed_methods)]
fn pause(span: Duration) {
    std::thread::sleep(span);
}

fn screen(now: &Value, before: Option<&Value>, seconds: u64) -> String {
    let rules = |value: &Value| value["rules"].as_array().cloned().unwrap_or_default();
    let name = |rule: &Value| rule["rule"].as_str().unwrap_or_default().to_owned();
    let earlier: HashMap<String, Value> =
        before.iter().flat_map(|value| rules(value)).map(|rule| (name(&rule), rule)).collect();
    let policy = printable(now["policy_version"].as_str().unwrap_or_default());
    let uptime = now["uptime_seconds"].as_u64().unwrap_or_default();
    let mut text = format!("policy {policy}, up {} s\n\n", number(uptime));
    text.push_str(&format!(
        "{:<32} {:<8} {:>10} {:>10} {:>14} {:>14}\n",
        "rule", "mode", "allowed/s", "denied/s", "allowed", "denied"
    ));
    for rule in rules(now) {
        let count = |of: &Value, what: &str| of[what].as_u64().unwrap_or_default();
        let rate = |what| match earlier.get(&name(&rule)) {
            Some(before) => number(count(&rule, what).saturating_sub(count(before, what)) / seconds.max(1)),
            None => "-".to_owned(),
        };
        text.push_str(&format!(
            "{:<32} {:<8} {:>10} {:>10} {:>14} {:>14}\n",
            printable(&name(&rule)),
            rule["mode"].as_str().unwrap_or_default(),
            rate("allowed"),
            rate("denied"),
            number(count(&rule, "allowed")),
            number(count(&rule, "denied")),
        ));
    }
    let refused = now["refused_subjects"].as_array().cloned().unwrap_or_default();
    if !refused.is_empty() {
        text.push_str(&format!("\n{:>14}  refused most\n", "refused"));
    }
    for subject in refused {
        let key: Vec<_> = subject["key"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let shown =
            printable(&format!("{} {}", subject["rule"].as_str().unwrap_or_default(), key.join(", ")));
        text.push_str(&format!("{:>14}  {shown}\n", number(subject["refused"].as_u64().unwrap_or_default())));
    }
    text
}
