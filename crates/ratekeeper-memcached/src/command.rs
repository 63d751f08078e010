//! The meta commands that the store sends.

use std::fmt::Display;
use std::io::Write as _;

use crate::item::Name;

/// Reads a value, with its compare-and-swap number.
pub(crate) fn get(name: &Name) -> Vec<u8> {
    command("mg", name, "v c")
}

/// Writes a value over the one with the number `cas`, or where there is none yet.
pub(crate) fn set(name: &Name, value: &[u8], ttl: u32, cas: Option<u64>) -> Vec<u8> {
    let mut command = match cas {
        Some(cas) => with_length("ms", name, value.len(), format_args!("T{ttl} C{cas}")),
        None => with_length("ms", name, value.len(), format_args!("T{ttl} ME")),
    };
    command.extend_from_slice(value);
    command.extend_from_slice(b"\r\n");
    command
}

/// Deletes the value with the number `cas`.
pub(crate) fn delete(name: &Name, cas: u64) -> Vec<u8> {
    command("md", name, format_args!("C{cas}"))
}

/// Adds to a number, which begins at 0 and lives so many seconds, and reads it.
pub(crate) fn add(name: &Name, number: u64, ttl: u32) -> Vec<u8> {
    command("ma", name, format_args!("N{ttl} J{number} D{number} v"))
}

/// Takes away from a number, down to 0.
pub(crate) fn take_away(name: &Name, number: u64) -> Vec<u8> {
    command("ma", name, format_args!("MD D{number}"))
}

fn command(verb: &str, name: &Name, flags: impl Display) -> Vec<u8> {
    let mut line = start(verb, name);
    finish(&mut line, name, flags);
    line
}

fn with_length(verb: &str, name: &Name, length: usize, flags: impl Display) -> Vec<u8> {
    let mut line = start(verb, name);
    // Writing to memory does not fail.
    _ = write!(line, " {length}");
    line.reserve(length);
    finish(&mut line, name, flags);
    line
}

fn start(verb: &str, name: &Name) -> Vec<u8> {
    let mut line = Vec::with_capacity(name.text.len() + 64);
    line.extend_from_slice(verb.as_bytes());
    line.push(b' ');
    line.extend_from_slice(&name.text);
    line
}

fn finish(line: &mut Vec<u8>, name: &Name, flags: impl Display) {
    let encoded = if name.encoded { " b" } else { "" };
    _ = write!(line, "{encoded} {flags}\r\n");
}
