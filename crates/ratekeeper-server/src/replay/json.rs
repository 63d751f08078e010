//! The summary for programs.

use std::io;

use serde_json::{Value, json};

use super::{Replay, Side};
use crate::safe_json;

/// Prints the summary as one JSON object.
pub(crate) fn print_json(replay: &Replay, top: usize) -> io::Result<()> {
    let tally = &replay.tally;
    let bad_lines = tally
        .bad_lines
        .iter()
        .map(|bad| json!({ "log": replay.logs.get(bad.log), "line": bad.line, "reason": bad.reason }));
    let mut summary = json!({
        "logs": replay.logs,
        "lines": tally.lines,
        "blank": tally.blank,
        "requests": tally.requests,
        "unparsed": { "count": tally.unparsed, "first": bad_lines.collect::<Vec<_>>() },
        "out_of_order": tally.backwards,
        "first_us": tally.first.map(ratekeeper_core::Timestamp::as_micros),
        "last_us": tally.last.map(ratekeeper_core::Timestamp::as_micros),
        "policy": side(&replay.first, top),
    });
    if let (Some(second), Value::Object(summary)) = (&replay.second, &mut summary) {
        let difference = &replay.difference;
        let differing = difference.top(top).into_iter().map(|(refusal, of)| {
            json!({
                "refused_by": if refusal.second { "compare" } else { "policy" },
                "rules": refusal.rules, "key": refusal.subject, "refused": of.count,
                "log": replay.logs.get(of.log), "line": of.line, "time_us": of.time.as_micros(),
            })
        });
        let by_rules = |second| -> Vec<Value> {
            let rules = difference.by_rules(second).into_iter();
            rules.map(|(rules, count)| json!({ "rules": rules, "refused": count })).collect()
        };
        let difference = json!({
            "refused_by_both": difference.refused_by_both,
            "refused_by_policy_only": difference.refused_by_first,
            "refused_by_compare_only": difference.refused_by_second,
            "by_policy_only": by_rules(false),
            "by_compare_only": by_rules(true),
            "subjects": difference.subjects(),
            "top": differing.collect::<Vec<_>>(),
        });
        summary.insert("compare".to_owned(), side(second, top));
        summary.insert("difference".to_owned(), difference);
    }
    safe_json::write_pretty(io::stdout().lock(), &summary)
}

fn side(side: &Side, top: usize) -> Value {
    let rules = side.rules.iter().map(|rule| {
        let limits = rule
            .limits
            .iter()
            .map(|(limit, refused)| json!({ "limit": limit.to_string(), "refused": refused }));
        let mode = match (rule.off, rule.shadow) {
            (true, _) => "off",
            (_, true) => "shadow",
            _ => "enforce",
        };
        json!({
            "rule": rule.name, "mode": mode, "requests": rule.matched, "refused": rule.refused,
            "limits": limits.collect::<Vec<_>>(),
        })
    });
    let subjects = side.ranking.top(top).into_iter().map(|ranked| {
        let refusals = ranked.refusals;
        json!({
            "rule": side.rules[ranked.rule].name, "key": ranked.subject, "refused": refusals.count,
            "first_us": refusals.first.as_micros(), "last_us": refusals.last.as_micros(),
        })
    });
    let timeline = side.timeline.rows(48).into_iter().map(
        |(start, bucket)| json!({ "start_s": start, "requests": bucket.requests, "refused": bucket.refused }),
    );
    json!({
        "file": side.name, "version": side.version,
        "allowed": side.allowed, "delayed": side.delayed, "refused": side.refused,
        "allow_list": side.listed_allow, "deny_list": side.listed_deny, "no_rule": side.unmatched,
        "rules": rules.collect::<Vec<_>>(),
        "refused_subjects": side.ranking.subjects(), "top_refused": subjects.collect::<Vec<_>>(),
        "timeline": timeline.collect::<Vec<_>>(),
    })
}
