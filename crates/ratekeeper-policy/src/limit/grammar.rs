//! `100 requests per minute burst 20 (token_bucket)`: count, window, options.

use ratekeeper_core::{Calendar, Period};

use super::scan::Scan;
use super::{LimitSpec, LimitSyntaxError, algorithm_named};
use crate::duration::window;
use crate::text::{nearest, quoted};

/// What may stand between the count and `per`.
const NOUNS: &[&str] = &[
    "request", "requests", "req", "reqs", "call", "calls", "hit", "hits", "token", "tokens", "unit", "units",
    "time", "times",
];
/// What may stand between options and means nothing.
const FILLERS: &[&str] = &["with", "a", "an", "of", "and", "by", "in", "using", "window"];
const OPTIONS: &[&str] = &[
    "burst",
    "max_delay",
    "ttl",
    "calendar",
    "time_zone",
    "token_bucket",
    "leaky_bucket",
    "sliding_window",
];
const EXAMPLE: &str = "write it like \"100 per minute\", \"100/s burst 20\" or \"10 concurrent ttl 30s\"";

/// Reads the parts of a limit; they are put together by [`LimitSpec::build`].
pub(crate) fn parse_spec(text: &str) -> Result<LimitSpec, LimitSyntaxError> {
    balanced(text)?;
    let mut scan = Scan::new(text);
    if scan.is_done() {
        return Err(LimitSyntaxError::new("this limit is empty", EXAMPLE));
    }
    if !scan.at_number() {
        return Err(LimitSyntaxError::new("a limit begins with a number", EXAMPLE));
    }
    let mut spec = LimitSpec { count: Some(scan.number()?), ..LimitSpec::default() };
    let mut word = peek(&scan);
    if NOUNS.contains(&word.as_str()) {
        scan.letters();
        word = peek(&scan);
    }
    match word.as_str() {
        "per" | "every" | "each" | "a" | "an" => {
            scan.letters();
            rate(&mut scan, &mut spec)?;
        }
        _ if scan.symbol('/') => rate(&mut scan, &mut spec)?,
        "concurrent" | "concurrently" => {
            scan.letters();
            spec.concurrent = true;
            if NOUNS.contains(&peek(&scan).as_str()) {
                scan.letters();
            }
        }
        "" if scan.is_done() => {}
        _ => {
            let message = format!("unexpected {} after the number", quoted(scan.rest().trim()));
            return Err(LimitSyntaxError::new(message, EXAMPLE));
        }
    }
    while option(&mut scan, &mut spec)? {}
    Ok(spec)
}

fn peek(scan: &Scan<'_>) -> String {
    scan.clone().letters().to_ascii_lowercase()
}

fn rate(scan: &mut Scan<'_>, spec: &mut LimitSpec) -> Result<(), LimitSyntaxError> {
    if peek(scan) == "calendar" {
        scan.letters();
        spec.calendar = true;
    }
    spec.window = Some(window(scan)?);
    Ok(())
}

/// Takes one option; false at the end.
fn option(scan: &mut Scan<'_>, spec: &mut LimitSpec) -> Result<bool, LimitSyntaxError> {
    while scan.symbol('(') || scan.symbol(')') || scan.symbol(',') {}
    if scan.is_done() {
        return Ok(false);
    }
    if let Some(found) = algorithm(scan) {
        if spec.algorithm.replace(found).is_some_and(|before| before != found) {
            return Err(LimitSyntaxError::new("two algorithms are named", "name one"));
        }
        return Ok(true);
    }
    let word = scan.word();
    match word.to_ascii_lowercase().replace('-', "_").as_str() {
        "burst" => {
            let burst = value(scan, "burst", Scan::number)?;
            once(&mut spec.burst, burst, "burst")?;
        }
        "max_delay" | "delay" => {
            let delay = value(scan, "max_delay", span)?;
            once(&mut spec.max_delay, delay, "max_delay")?;
        }
        "max" if peek(scan) == "delay" => {}
        "ttl" => {
            let ttl = value(scan, "ttl", span)?;
            once(&mut spec.ttl, ttl, "ttl")?;
        }
        "time_zone" | "timezone" | "zone" | "tz" => {
            equals(scan);
            let zone = scan.word().to_owned();
            once(&mut spec.zone, zone, "time_zone")?;
        }
        "align" => {
            equals(scan);
            spec.align(scan.word())?;
        }
        filler if FILLERS.contains(&filler) => {}
        _ if is_zone(word) => once(&mut spec.zone, word.to_owned(), "time_zone")?,
        _ => return Err(unexpected(word, scan)),
    }
    Ok(true)
}

/// Takes the longest name of an algorithm that comes next, in up to three words.
fn algorithm(scan: &mut Scan<'_>) -> Option<ratekeeper_core::Algorithm> {
    let (mut ahead, mut name, mut best) = (scan.clone(), String::new(), None);
    for _ in 0..3 {
        let word = ahead.word();
        if word.is_empty() {
            break;
        }
        name = if name.is_empty() {
            word.to_owned()
        } else {
            format!("{name}_{word}")
        };
        if let Some(found) = algorithm_named(&name) {
            best = Some((found, ahead.clone()));
        }
    }
    let (found, after) = best?;
    *scan = after;
    Some(found)
}

/// Skips what may stand between an option and its value: `burst 20`, `burst=20`, `burst: 20`.
fn equals(scan: &mut Scan<'_>) {
    let _ = scan.symbol('=') || scan.symbol(':');
}

fn value<'a, T>(
    scan: &mut Scan<'a>,
    name: &str,
    read: impl Fn(&mut Scan<'a>) -> Result<T, LimitSyntaxError>,
) -> Result<T, LimitSyntaxError> {
    equals(scan);
    if peek(scan) == "of" {
        scan.letters();
    }
    if !scan.at_number() {
        let help =
            format!("write a number after it, such as {name} {}", if name == "burst" { "20" } else { "2s" });
        return Err(LimitSyntaxError::new(format!("{name} has no value"), help));
    }
    read(scan)
}

fn span(scan: &mut Scan<'_>) -> Result<ratekeeper_core::Micros, LimitSyntaxError> {
    let found = window(scan)?;
    found
        .span
        .ok_or_else(|| LimitSyntaxError::new("months and years have no fixed length", "write it in days"))
}

/// Sets what may be given once.
pub(super) fn once<T>(slot: &mut Option<T>, value: T, name: &str) -> Result<(), LimitSyntaxError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(LimitSyntaxError::new(format!("{name} is given twice"), "remove one of them")),
    }
}

fn is_zone(word: &str) -> bool {
    word.contains('/') || Calendar::new(Period::Day, word).is_ok()
}

fn unexpected(word: &str, scan: &Scan<'_>) -> LimitSyntaxError {
    if word.is_empty() {
        return LimitSyntaxError::new(format!("unexpected {}", quoted(scan.rest().trim())), EXAMPLE);
    }
    let help = match nearest(word, OPTIONS.iter().copied()) {
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => {
            "write several limits as a list: [ 5 per minute, 100 per day ]".to_owned()
        }
        Some(name) => format!("did you mean {name}?"),
        None => "after the window come burst, an algorithm, (calendar, ZONE), max_delay or ttl".to_owned(),
    };
    LimitSyntaxError::new(format!("unexpected {}", quoted(word)), help)
}

/// The commonest slip: YAML has split `[ 1000 per day (calendar, Europe/Paris) ]` at the comma.
fn balanced(text: &str) -> Result<(), LimitSyntaxError> {
    let (opened, closed) = (text.matches('(').count(), text.matches(')').count());
    if opened == closed && opened <= 1 && text.find('(') <= text.find(')') {
        return Ok(());
    }
    let help = "within [ ] or { } YAML splits text at commas: put the whole limit in quotes, such as \"1000 per day (calendar, Europe/Paris)\"";
    Err(LimitSyntaxError::new("the parentheses do not match", help))
}
