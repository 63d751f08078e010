//! The summary for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use ratekeeper_core::Timestamp;

use super::{LogTally, Replay, Side};
use crate::shown::{counted, date_time, number, percent, printable, span};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();

/// Rows of the timeline, and columns of its bars.
const ROWS: u64 = 24;
const COLUMNS: u64 = 48;
/// How many lines that do not parse are shown with their reason, and how many more with their number.
const BAD_LINES: usize = 10;
const BAD_NUMBERS: usize = 50;
/// How many logs are named.
const NAMED_LOGS: usize = 4;

/// Prints the summary; in colour where the terminal has it.
pub(crate) fn print_text(replay: &Replay, top: usize) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    print_log(&mut out, &replay.logs, &replay.tally)?;
    for side in std::iter::once(&replay.first).chain(&replay.second) {
        print_side(&mut out, side, replay.tally.requests, top)?;
    }
    if let Some(second) = &replay.second {
        print_difference(&mut out, replay, second, top)?;
    }
    out.flush()
}

fn print_log(out: &mut impl Write, logs: &[String], tally: &LogTally) -> io::Result<()> {
    let mut names = logs.iter().take(NAMED_LOGS).map(|log| log_name(log)).collect::<Vec<_>>().join(", ");
    if logs.len() > NAMED_LOGS {
        names += &format!(" and {} more", number((logs.len() - NAMED_LOGS) as u64));
    }
    write!(out, "{BOLD}{names}{BOLD:#}: {}", counted(tally.requests, "request"))?;
    if let (Some(first), Some(last)) = (tally.first, tally.last) {
        write!(out, ", {} UTC", span(first, last))?;
    }
    writeln!(out)?;
    if tally.backwards > 0 {
        let are = if tally.backwards == 1 { "is" } else { "are" };
        let requests = counted(tally.backwards, "request");
        writeln!(out, "  {requests} {are} dated before a request on an earlier line")?;
    }
    if tally.unparsed > 0 {
        print_bad_lines(out, logs, tally)?;
    }
    Ok(())
}

fn print_bad_lines(out: &mut impl Write, logs: &[String], tally: &LogTally) -> io::Result<()> {
    let verb = if tally.unparsed == 1 {
        "is not a request"
    } else {
        "are not requests"
    };
    writeln!(out, "  {RED}{}{RED:#} {verb}:", counted(tally.unparsed, "line"))?;
    for bad in tally.bad_lines.iter().take(BAD_LINES) {
        writeln!(out, "    {}: {}", place(logs, bad.log, bad.line), bad.reason)?;
    }
    let rest = tally.bad_lines.iter().skip(BAD_LINES).take(BAD_NUMBERS);
    let rest: Vec<String> = rest.map(|bad| place(logs, bad.log, bad.line)).collect();
    if !rest.is_empty() {
        let hidden = tally.unparsed.saturating_sub((BAD_LINES + rest.len()) as u64);
        let hidden = if hidden > 0 {
            format!(" and {} more", number(hidden))
        } else {
            String::new()
        };
        writeln!(out, "    and {}{hidden}", rest.join(", "))?;
    }
    Ok(())
}

fn print_side(out: &mut impl Write, side: &Side, requests: u64, top: usize) -> io::Result<()> {
    let colour = if side.refused > 0 { RED } else { GREEN };
    write!(out, "\n{BOLD}{}{BOLD:#} {DIM}(version {}){DIM:#}: ", side.name, side.version)?;
    write!(out, "{colour}{} refused{colour:#}", number(side.refused))?;
    write!(out, " of {}", counted(requests, "request"))?;
    if requests > 0 {
        write!(out, " ({})", percent(side.refused, requests))?;
    }
    for (count, what) in [
        (side.delayed, "delayed"),
        (side.listed_allow, "on the allow list"),
        (side.listed_deny, "on the deny list"),
        (side.unmatched, "without a rule"),
    ] {
        if count > 0 {
            write!(out, ", {} {what}", number(count))?;
        }
    }
    writeln!(out, "\n")?;
    print_rules(out, side)?;
    print_ranking(out, side, top)?;
    print_timeline(out, side)
}

fn print_rules(out: &mut impl Write, side: &Side) -> io::Result<()> {
    let width = side.rules.iter().map(|rule| rule.name.chars().count()).max().unwrap_or(0).max(4);
    writeln!(
        out,
        "  {DIM}{:width$}  {:>12}  {:>12}  {:>7}{DIM:#}",
        "rule", "applied to", "refused", "share"
    )?;
    for rule in &side.rules {
        let note = match (rule.off, rule.shadow) {
            (true, _) => "  off",
            (_, true) => "  shadow: would have refused",
            _ => "",
        };
        let share = percent(rule.refused, rule.matched);
        let colour = if rule.refused > 0 && !rule.shadow {
            RED
        } else {
            Style::new()
        };
        write!(out, "  {:width$}  {:>12}  ", rule.name, number(rule.matched))?;
        writeln!(out, "{colour}{:>12}{colour:#}  {share:>7}{note}", number(rule.refused))?;
        for (limit, refused) in rule.limits.iter().filter(|_| !rule.off) {
            writeln!(out, "  {:width$}  {DIM}{:>12}  {:>12}  {limit}{DIM:#}", "", "", number(*refused))?;
        }
    }
    Ok(())
}

fn print_ranking(out: &mut impl Write, side: &Side, top: usize) -> io::Result<()> {
    let ranked = side.ranking.top(top);
    if ranked.is_empty() {
        return Ok(());
    }
    let subjects = counted(side.ranking.subjects() as u64, "subject");
    writeln!(out, "\n  {BOLD}Refused most{BOLD:#} {DIM}({subjects} in all; times in UTC){DIM:#}")?;
    let names: Vec<String> = ranked.iter().map(|ranked| subject_name(ranked.subject)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let rules = ranked.iter().map(|ranked| side.rules[ranked.rule].name.chars().count());
    let rule_width = rules.max().unwrap_or(0);
    for (ranked, name) in ranked.iter().zip(names) {
        let (rule, refusals) = (&side.rules[ranked.rule].name, ranked.refusals);
        let when = span(refusals.first, refusals.last);
        writeln!(
            out,
            "  {:>12}  {name:width$}  {DIM}{rule:rule_width$}  {when}{DIM:#}",
            number(refusals.count)
        )?;
    }
    Ok(())
}

fn print_timeline(out: &mut impl Write, side: &Side) -> io::Result<()> {
    let rows = side.timeline.rows(ROWS);
    let Some(most) = rows.iter().map(|(_, bucket)| bucket.requests).max().filter(|most| *most > 0) else {
        return Ok(());
    };
    let legend = "Timeline (UTC; █ passed, ▒ refused)";
    let labels: Vec<String> = rows
        .iter()
        .map(|(start, _)| date_time(Timestamp::from_micros(start.saturating_mul(1_000_000))))
        .collect();
    // Rows that begin at whole minutes need no seconds.
    let length = if labels.iter().all(|label| label.ends_with(":00")) {
        "2026-03-03 14:05".len()
    } else {
        "2026-03-03 14:05:00".len()
    };
    let bars = usize::try_from(COLUMNS).unwrap_or(0);
    let heading = length + 2 + bars;
    writeln!(
        out,
        "\n  {BOLD}{legend:heading$}{BOLD:#}  {DIM}{:>9}  {:>9}{DIM:#}",
        "requests", "refused"
    )?;
    for (label, (_, bucket)) in labels.iter().zip(rows) {
        let columns = |count: u64| usize::try_from((count * COLUMNS).div_ceil(most)).unwrap_or(0);
        let refused = columns(bucket.refused);
        let passed = columns(bucket.requests).saturating_sub(refused);
        let label = label.get(..length).unwrap_or(label);
        write!(out, "  {DIM}{label}{DIM:#}  {GREEN}{}{GREEN:#}", "█".repeat(passed))?;
        write!(out, "{RED}{}{RED:#}", "▒".repeat(refused))?;
        let space = bars.saturating_sub(passed + refused);
        write!(out, "{:space$}  {:>9}", "", number(bucket.requests))?;
        match bucket.refused {
            0 => writeln!(out)?,
            refused => writeln!(out, "  {RED}{:>9}{RED:#}", number(refused))?,
        }
    }
    Ok(())
}

fn print_difference(out: &mut impl Write, replay: &Replay, second: &Side, top: usize) -> io::Result<()> {
    let (difference, first) = (&replay.difference, &replay.first);
    writeln!(out, "\n{BOLD}Difference{BOLD:#}")?;
    writeln!(out, "  {:>12}  refused by both", number(difference.refused_by_both))?;
    let (by_first, by_second) = (difference.refused_by_first, difference.refused_by_second);
    for (side, refused, is_second) in [(first, by_first, false), (second, by_second, true)] {
        writeln!(out, "  {:>12}  refused by {} only", number(refused), side.name)?;
        for (rules, count) in difference.by_rules(is_second) {
            writeln!(out, "  {DIM}{:>12}    by {}{DIM:#}", number(count), rules_named(rules))?;
        }
    }
    let differing = difference.top(top);
    if differing.is_empty() {
        return Ok(());
    }
    let subjects = counted(difference.subjects() as u64, "subject");
    writeln!(out, "\n  {BOLD}They differ most on{BOLD:#} {DIM}({subjects} in all; times in UTC){DIM:#}")?;
    let names: Vec<String> = differing.iter().map(|(refusal, _)| subject_name(&refusal.subject)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for ((refusal, of), name) in differing.into_iter().zip(names) {
        let side = if refusal.second { second } else { first };
        let (rules, when) = (rules_named(&refusal.rules), date_time(of.time));
        let place = place(&replay.logs, of.log, of.line);
        write!(out, "  {:>12}  {name:width$}  {DIM}refused by {}, {rules}; ", number(of.count), side.name)?;
        writeln!(out, "first {when}, {place}{DIM:#}")?;
    }
    Ok(())
}

/// `line 12`, or `access.log, line 12` where there are several logs.
fn place(logs: &[String], log: usize, line: u64) -> String {
    match logs {
        [_] => format!("line {line}"),
        _ => format!("{}, line {line}", log_name(&logs[log])),
    }
}

fn log_name(log: &str) -> String {
    crate::failure::name(log.as_ref())
}

fn rules_named(rules: &[String]) -> String {
    if rules.is_empty() {
        "the deny list".to_owned()
    } else {
        rules.join(", ")
    }
}

/// Whom a rule counts, in so many letters at most for each part.
fn subject_name(subject: &[String]) -> String {
    const LETTERS: usize = 60;
    if subject.is_empty() {
        return "everybody".to_owned();
    }
    let shown = |part: &String| match part.char_indices().nth(LETTERS) {
        Some((end, _)) => printable(&part[..end]) + "…",
        None => printable(part),
    };
    let parts: Vec<String> = subject.iter().map(shown).collect();
    parts.join("  ")
}
