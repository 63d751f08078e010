//! `RK.CHECK rule key… [COST n] [PEEK]`: one rule of the policy, for one subject.

use ratekeeper_core::{Algorithm, MAX_COUNT, Micros};
use ratekeeper_engine::{By, Current, Decision, LimitOutcome, Outcome, Part, RequestOp};
use ratekeeper_policy::Rule;
use ratekeeper_resp::{Reply, Request};
use smallvec::SmallVec;

use super::decide::decide;
use super::refused::{Refused, excerpt};
use crate::app::App;
use crate::refusal_log::reason;
use crate::subject::Subject;

/// The most rules that an error names.
const NAMED: usize = 10;

pub(super) async fn check(app: &App, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<(), Refused> {
    let Some(name) = request.get(1) else {
        return Err("ERR Usage: RK.CHECK rule key… [COST n] [PEEK]".into());
    };
    let current = app.engine.current();
    let found = current.rules().iter().position(|rule| rule.name().as_bytes() == name);
    let index = found.ok_or_else(|| unknown(&current, name))?;
    let rule = &current.rules()[index];
    let parts = asked(rule);
    if request.len() < 2 + parts.len() {
        return Err(named_by(rule, &format!("{} given", request.len() - 2)));
    }
    let mut values: SmallVec<[(&str, &str); 4]> = SmallVec::new();
    for ((part, _), value) in parts.iter().zip(request.from(2)) {
        let value = std::str::from_utf8(value);
        values.push((part, value.map_err(|_| Refused::from(format!("ERR {part}: this is not UTF-8")))?));
    }
    let subject =
        Subject::new(values.iter().copied()).map_err(|error| Refused::from(format!("ERR {error}")))?;
    let (cost, op) = options(rule, request.from(2 + parts.len()))?;
    if op == RequestOp::Take
        && rule.every_limit().any(|limit| limit.limit().algorithm() == Algorithm::Concurrency)
    {
        return Err(format!(
            "ERR {}: this rule holds slots, which are given back over HTTP: ask for them there, or PEEK",
            rule.name()
        )
        .into());
    }
    let part = Part { attributes: subject.attributes(), by: By::Rule(index), cost, op };
    let outcome = decide(app, &current, part).await;
    write(rule, &outcome, reply);
    Ok(())
}

/// The parts of a rule's key and how they are shown: each once, also where it counts in several tiers, as `ip/56` and `ip`.
fn asked(rule: &Rule) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for (name, shown) in rule.key_names().into_iter().zip(rule.key_parts()) {
        if parts.iter().all(|(other, _)| *other != name) {
            parts.push((name, shown));
        }
    }
    parts
}

/// What follows the key.
fn options<'r>(rule: &Rule, mut rest: impl Iterator<Item = &'r [u8]>) -> Result<(u64, RequestOp), Refused> {
    let (mut cost, mut op) = (1, RequestOp::Take);
    while let Some(option) = rest.next() {
        if option.eq_ignore_ascii_case(b"peek") {
            op = RequestOp::Peek;
        } else if option.eq_ignore_ascii_case(b"cost") {
            let given = rest.next().unwrap_or_default();
            let number = std::str::from_utf8(given).ok().and_then(|text| text.parse().ok());
            cost = number.filter(|cost| (1..=MAX_COUNT).contains(cost)).ok_or_else(|| {
                Refused::from(format!(
                    "ERR COST: '{}' is out of range; write 1 to {MAX_COUNT}",
                    excerpt(given)
                ))
            })?;
        } else {
            return Err(named_by(rule, &format!("'{}' is one too many", excerpt(option))));
        }
    }
    Ok((cost, op))
}

fn unknown(current: &Current, name: &[u8]) -> Refused {
    let given = String::from_utf8_lossy(name);
    let near = current.nearest_rule(&given);
    let help = match near {
        Some(rule) => format!("did you mean '{}'?", rule.name()),
        None => {
            let mut known: Vec<&str> = current.rules().iter().take(NAMED).map(Rule::name).collect();
            if current.rules().len() > NAMED {
                known.push("…");
            }
            format!("it has {}", known.join(", "))
        }
    };
    format!("ERR the policy in force has no rule '{}'; {help}", excerpt(name)).into()
}

fn named_by(rule: &Rule, what: &str) -> Refused {
    let name = rule.name();
    let parts: Vec<String> = asked(rule).into_iter().map(|(_, shown)| shown).collect();
    let expected = if parts.is_empty() {
        "counts all requests together: give no part of a key".to_owned()
    } else {
        format!("is asked with the values of {}, in this order", parts.join(", "))
    };
    format!("ERR rule '{name}' {expected}, then COST n or PEEK: {what}").into()
}

/// The answer: a summary, by the limit that a client meets first.
fn write(rule: &Rule, outcome: &Outcome, reply: &mut Reply<'_>) {
    let tightest = tightest(outcome);
    let verdict = tightest.and_then(|limit| limit.verdict.as_ref());
    reply.map(10).bulk("allowed").boolean(outcome.allowed());
    reply.bulk("limit");
    number(reply, tightest.map(|limit| limit.limit.largest_cost()));
    reply.bulk("remaining");
    number(reply, verdict.map(|verdict| verdict.remaining));
    reply.bulk("delay_ms").integer(match outcome.decision {
        Decision::Delay(delay) => millis(delay),
        _ => 0,
    });
    reply.bulk("retry_after_ms").integer(outcome.retry_after().map_or(-1, millis));
    reply.bulk("reset_after_ms");
    match verdict {
        Some(verdict) => reply.integer(millis(verdict.reset_after)),
        None => reply.null(),
    };
    reply.bulk("rule").bulk(rule.name()).bulk("mode").bulk(rule.mode().name());
    reply.bulk("denial");
    match reason(outcome) {
        Some(reason) => reply.bulk(reason),
        None => reply.null(),
    };
    reply.bulk("degraded").boolean(outcome.degraded());
}

/// The limit that refuses longest, else the one with the least left.
fn tightest(outcome: &Outcome) -> Option<&LimitOutcome> {
    outcome.limits.iter().min_by_key(|limit| {
        let verdict = limit.verdict.as_ref();
        let wait = verdict.map_or(u64::MAX, |verdict| verdict.retry_after.map_or(u64::MAX, Micros::get));
        (limit.allowed, u64::MAX - wait, verdict.map(|verdict| verdict.remaining))
    })
}

fn number(reply: &mut Reply<'_>, number: Option<u64>) {
    match number {
        Some(number) => reply.integer(i64::try_from(number).unwrap_or(i64::MAX)),
        None => reply.null(),
    };
}

/// Whole milliseconds, rounded up: who waits for them does not come too early.
fn millis(span: Micros) -> i64 {
    i64::try_from(span.get().div_ceil(1000)).unwrap_or(i64::MAX)
}
