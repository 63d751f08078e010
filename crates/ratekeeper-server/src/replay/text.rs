//! The summary for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;
use ratekeeper_accesslog::Excerpt;
use ratekeeper_core::Timestamp;

use super::{LogTally, Replay, Side};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();

/// Rows of the timeline, and columns of its bars.
const ROWS: u64 = 24;
const COLUMNS: u64 = 48;
/// How many lines that do not parse are shown.
const BAD_LINES: usize = 10;

/// Prints the summary; in colour where the terminal has it.
pub(crate) fn print_text(replay: &Replay, top: usize) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    print_log(&mut out, &replay.logs, &replay.tally)?;
    for side in std::iter::once(&replay.first).chain(&replay.second) {
        print_side(&mut out, side, replay.tally.requests, top)?;
    }
    if let Some(second) = &replay.second {
        print_difference(&mut out, replay, second)?;
    }
    out.flush()
}

fn print_log(out: &mut impl Write, logs: &[String], tally: &LogTally) -> io::Result<()> {
    let names = logs
        .iter()
        .map(|name| Excerpt::new(name.as_bytes()).to_string())
        .collect::<Vec<_>>()
        .join(", ");
    write!(out, "{BOLD}{names}{BOLD:#}: {}", counted(tally.requests, "request"))?;
    if let (Some(first), Some(last)) = (tally.first, tally.last) {
        write!(out, ", {} to {} UTC", date_time(first), date_time(last))?;
    }
    writeln!(out)?;
    if tally.backwards > 0 {
        writeln!(out, "  {} dated before an earlier line", number(tally.backwards))?;
    }
    if tally.unparsed > 0 {
        let verb = if tally.unparsed == 1 {
            "is not a request"
        } else {
            "are not requests"
        };
        writeln!(out, "  {RED}{}{RED:#} {verb}:", counted(tally.unparsed, "line"))?;
        for bad in tally.bad_lines.iter().take(BAD_LINES) {
            let log = if logs.len() > 1 {
                format!("{}, ", Excerpt::new(logs[bad.log].as_bytes()))
            } else {
                String::new()
            };
            writeln!(out, "    {log}line {}: {}", bad.line, bad.reason)?;
        }
        let rest: Vec<String> =
            tally.bad_lines.iter().skip(BAD_LINES).take(50).map(|bad| bad.line.to_string()).collect();
        let hidden = tally.unparsed.saturating_sub((BAD_LINES + rest.len()) as u64);
        if !rest.is_empty() {
            let hidden = if hidden > 0 {
                format!(" and {} more", number(hidden))
            } else {
                String::new()
            };
            writeln!(out, "    also lines {}{hidden}", rest.join(", "))?;
        }
    }
    Ok(())
}

fn print_side(out: &mut impl Write, side: &Side, requests: u64, top: usize) -> io::Result<()> {
    let colour = if side.refused > 0 { RED } else { GREEN };
    let name = Excerpt::new(side.name.as_bytes());
    write!(out, "\n{BOLD}{name}{BOLD:#} {DIM}(version {}){DIM:#}: ", side.version)?;
    write!(out, "{colour}{} refused{colour:#}", number(side.refused))?;
    write!(out, " of {} ({})", number(requests), percent(side.refused, requests))?;
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
    writeln!(out, "  {DIM}{:width$}  {:>12}  {:>12}  {:>7}{DIM:#}", "rule", "requests", "refused", "")?;
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
        for (limit, refused) in &rule.limits {
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
    writeln!(out, "\n  {BOLD}Refused most{BOLD:#} {DIM}({subjects} in all){DIM:#}")?;
    for (rule, subject, refused) in ranked {
        let parts: Vec<String> =
            subject.iter().map(|part| Excerpt::new(part.as_bytes()).to_string()).collect();
        let subject = if parts.is_empty() {
            "everybody".to_owned()
        } else {
            parts.join("  ")
        };
        writeln!(out, "  {:>12}  {subject}  {DIM}{}{DIM:#}", number(refused), side.rules[rule].name)?;
    }
    Ok(())
}

fn print_timeline(out: &mut impl Write, side: &Side) -> io::Result<()> {
    let rows = side.timeline.rows(ROWS);
    let Some(most) = rows.iter().map(|(_, bucket)| bucket.requests).max().filter(|most| *most > 0) else {
        return Ok(());
    };
    writeln!(
        out,
        "\n  {BOLD}Timeline{BOLD:#} {DIM}(UTC; {GREEN}█{GREEN:#}{DIM} passed, {RED}▒{RED:#}{DIM} refused){DIM:#}"
    )?;
    for (start, bucket) in rows {
        let columns = |count: u64| usize::try_from((count * COLUMNS).div_ceil(most)).unwrap_or(0);
        let refused = columns(bucket.refused);
        let passed = columns(bucket.requests).saturating_sub(refused);
        let label = date_time(Timestamp::from_micros(start.saturating_mul(1_000_000)));
        write!(out, "  {DIM}{label}{DIM:#}  {GREEN}{}{GREEN:#}", "█".repeat(passed))?;
        write!(out, "{RED}{}{RED:#}", "▒".repeat(refused))?;
        let space = usize::try_from(COLUMNS).unwrap_or(0).saturating_sub(passed + refused);
        write!(out, "{:space$}  {:>9}", "", number(bucket.requests))?;
        match bucket.refused {
            0 => writeln!(out)?,
            refused => writeln!(out, "  {RED}{:>9}{RED:#}", number(refused))?,
        }
    }
    Ok(())
}

fn print_difference(out: &mut impl Write, replay: &Replay, second: &Side) -> io::Result<()> {
    let difference = &replay.difference;
    let (first, second) = (Excerpt::new(replay.first.name.as_bytes()), Excerpt::new(second.name.as_bytes()));
    writeln!(out, "\n{BOLD}Difference{BOLD:#}")?;
    writeln!(out, "  {:>12}  refused by both", number(difference.refused_by_both))?;
    writeln!(out, "  {:>12}  refused by {first} only", number(difference.refused_by_first))?;
    writeln!(out, "  {:>12}  refused by {second} only", number(difference.refused_by_second))?;
    for differing in &difference.examples {
        let by = if differing.second { &second } else { &first };
        let when = date_time(differing.time);
        writeln!(out, "    line {}, {when}: {by} refuses, by {}", differing.line, differing.by)?;
    }
    let all = difference.refused_by_first + difference.refused_by_second;
    if all > difference.examples.len() as u64 {
        writeln!(out, "    {DIM}… the first {} of {}{DIM:#}", difference.examples.len(), number(all))?;
    }
    Ok(())
}

/// `1 request`, `12,345 requests`.
fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// A number with a comma between thousands.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share in percent, with one decimal.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let tenths = (u128::from(part) * 1000 + u128::from(whole) / 2) / u128::from(whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn date_time(time: Timestamp) -> String {
    let micros = i64::try_from(time.as_micros()).unwrap_or(0);
    let instant = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    instant.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shares_rounded() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "–");
        assert_eq!(counted(1, "line"), "1 line");
    }
}
