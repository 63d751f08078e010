//! A report, for people.

use std::fmt::Write as _;

use super::{Outcome, PhaseReport, Report};
use crate::mode::{ExactReport, SoakReport, StressReport};

/// Percentages of bad news from which on it is told, one in a hundred.
const TOLD: u64 = 100;

pub(super) fn report(report: &Report) -> String {
    let settings = &report.settings;
    let mut text = format!(
        "{}, {} connections{}, {} keys ({}), seed {}\n",
        report.url,
        number(u64::try_from(settings.connections).unwrap_or(u64::MAX)),
        if settings.streams > 1 {
            format!(" × {} streams", settings.streams)
        } else {
            String::new()
        },
        number(settings.keys),
        settings.distribution,
        settings.seed,
    );
    if report.interrupted {
        text.push_str("ended before its time: this is what was measured until then\n");
    }
    match &report.outcome {
        Outcome::Steady(phase) => steady(&mut text, phase),
        Outcome::Stress(stress_report) => stress(&mut text, stress_report),
        Outcome::Exact(exact_report) => exact(&mut text, exact_report),
        Outcome::Soak(soak_report) => soak(&mut text, soak_report),
    }
    for note in &report.notes {
        _ = writeln!(text, "note: {note}");
    }
    text
}

fn steady(text: &mut String, phase: &PhaseReport) {
    text.push('\n');
    body(text, phase);
}

/// The lines that every stretch of load has.
fn body(text: &mut String, phase: &PhaseReport) {
    let offered = match phase.offered_per_1000s {
        Some(rate) => format!("{}/s offered", thousandths(rate)),
        None => "closed loop".to_owned(),
    };
    let seconds = thousandths(phase.duration_ms);
    _ = writeln!(
        text,
        "  {:<12} {}/s answered, {offered}, {seconds} s",
        "throughput",
        number(phase.answered_per_second)
    );
    _ = writeln!(
        text,
        "  {:<12} {} due, {} sent, {} allowed, {} denied, {} without an answer",
        "requests",
        number(phase.due),
        number(phase.sent),
        number(phase.allowed),
        number(phase.denied),
        number(phase.errors.total),
    );
    if phase.degraded > 0 {
        _ = writeln!(text, "  {:<12} {} decided without their counter", "degraded", number(phase.degraded));
    }
    let latency = &phase.latency_us;
    _ = writeln!(
        text,
        "  {:<12} p50 {}   p90 {}   p99 {}   p99.9 {}   max {}",
        "latency",
        span(latency.p50),
        span(latency.p90),
        span(latency.p99),
        span(latency.p999),
        span(latency.max),
    );
    for (kind, errors) in &phase.errors.kinds {
        _ = writeln!(text, "  {:<12} {} × {kind}: {}", "error", number(errors.count), errors.first);
    }
    generator(text, phase);
}

fn generator(text: &mut String, phase: &PhaseReport) {
    let generator = &phase.generator;
    if phase.offered_per_1000s.is_some() {
        _ = writeln!(
            text,
            "  {:<12} let go late by p99 {}, began late by p99 {}; threads {} % busy",
            "generator",
            span(generator.released_late_us.p99),
            span(generator.began_late_us.p99),
            generator.busy_percent,
        );
    } else {
        _ = writeln!(text, "  {:<12} threads {} % busy", "generator", generator.busy_percent);
    }
    for reason in &generator.was_bottleneck {
        _ = writeln!(text, "  {:<12} THE GENERATOR WAS THE BOTTLENECK: {reason}", "");
    }
    if generator.queued * TOLD > phase.due {
        _ = writeln!(
            text,
            "  {:<12} {} requests found all connections busy: the server is at its limit, or --connections too few",
            "",
            number(generator.queued),
        );
    }
    if phase.offered_per_1000s.is_none() && generator.was_bottleneck.is_empty() {
        _ = writeln!(
            text,
            "  {:<12} latencies of a closed loop are not what clients see: measure those with --rate",
            "",
        );
    }
}

fn stress(text: &mut String, report: &StressReport) {
    if let Some(calibration) = &report.calibration {
        text.push_str("\nwhat it can do\n");
        body(text, calibration);
    }
    text.push_str("\nbefore, at half of it\n");
    body(text, &report.before);
    _ = writeln!(text, "\noverload, {} × of it, {} connections", report.factor, report.overload_connections);
    body(text, &report.overload);
    text.push_str("\nafter, at half of it\n");
    body(text, &report.after);
    _ = writeln!(
        text,
        "\ngoodput     {}/s during the overload, {} % of the {}/s it can do",
        number(report.overload.answered_per_second),
        report.goodput_percent,
        number(report.sustainable_per_second),
    );
    _ = match report.recovered_after_ms {
        Some(after) => {
            writeln!(text, "recovered   after {} s: p99 at most twice that before", thousandths(after))
        }
        None => writeln!(text, "recovered   NOT within the time: p99 stayed above twice that before"),
    };
}

fn exact(text: &mut String, report: &ExactReport) {
    if let Some(load) = &report.load {
        text.push('\n');
        body(text, load);
    }
    let (keys, units) = (&report.keys, &report.units);
    _ = writeln!(text, "\nlimits      {} (told by the {})", report.limits.join(", "), report.limits_of);
    _ = writeln!(
        text,
        "keys        {} asked for, {} of them beyond their limit",
        number(keys.asked),
        number(keys.refused),
    );
    _ = writeln!(
        text,
        "admitted    {} of at most {} in the time it took; {} fewer than possible",
        number(units.admitted),
        number(units.most),
        number(units.under),
    );
    if report.unanswered > 0 {
        _ = writeln!(
            text,
            "unanswered  {} requests: whether they were admitted nobody knows",
            number(report.unanswered)
        );
    }
    for key in &report.worst {
        _ = writeln!(
            text,
            "too much    {} admitted of at most {} within {}",
            number(key.admitted),
            number(key.most),
            span(key.within_us),
        );
    }
    let verdict = match (report.is_exact(), keys.refused) {
        (false, _) => {
            format!("NOT EXACT: {} keys were given more than their limit", number(keys.over_admitted))
        }
        (true, 0) => {
            "nothing proven: no key was asked for beyond its limit; raise --rate or --duration".to_owned()
        }
        (true, _) => "exact: no key was given more than its limit".to_owned(),
    };
    _ = writeln!(text, "{verdict}");
}

fn soak(text: &mut String, report: &SoakReport) {
    text.push('\n');
    body(text, &report.load);
    let mib = |bytes: u64| format!("{} MiB", number(bytes >> 20));
    if let (Some(first), Some(last)) = (report.samples.first(), report.samples.last()) {
        _ = writeln!(
            text,
            "\nmemory      {} at first, {} at the end, {} samples of {}",
            mib(first.resident_bytes),
            mib(last.resident_bytes),
            number(u64::try_from(report.samples.len()).unwrap_or(u64::MAX)),
            report.metrics_url,
        );
        _ = writeln!(text, "counters    {} at first, {} at the end", number(first.keys), number(last.keys));
    }
    if report.missed > 0 {
        _ = writeln!(text, "missed      {} looks at the metrics failed", number(report.missed));
    }
    let verdict = match &report.trend {
        None => "too short to tell whether it grows: at least 8 samples are needed".to_owned(),
        Some(trend) if trend.grows => format!("IT GROWS, by about {} an hour", hourly(trend.per_second)),
        Some(_) => "it does not grow".to_owned(),
    };
    _ = writeln!(text, "{verdict}");
}

/// Bytes a second, as an hour's KiB.
#[allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes a number within its range, rounded"
)]
fn hourly(per_second: f64) -> String {
    format!("{} KiB", number((per_second * 3600.0 / 1024.0).max(0.0) as u64))
}

/// Microseconds, in the unit that people read.
fn span(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{micros} us"),
        10_000..10_000_000 => format!("{} ms", micros.div_ceil(1000)),
        _ => format!("{} s", micros.div_ceil(1_000_000)),
    }
}

/// Thousandths of something, as a decimal number without needless digits.
fn thousandths(number: u64) -> String {
    let (whole, part) = (number / 1000, number % 1000);
    if part == 0 {
        return self::number(whole);
    }
    format!("{}.{part:03}", self::number(whole)).trim_end_matches('0').to_owned()
}

/// A number with a comma between thousands.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!(thousandths(1_234_500), "1,234.5");
        assert_eq!(thousandths(250), "0.25");
        assert_eq!((number(999), number(1_000_000)), ("999".to_owned(), "1,000,000".to_owned()));
        assert_eq!([span(9_999), span(10_001), span(12_000_000)], ["9999 us", "11 ms", "12 s"]);
        assert_eq!(hourly(1024.0), "3,600 KiB");
    }
}
