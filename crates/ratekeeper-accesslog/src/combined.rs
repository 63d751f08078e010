//! Combined and common log lines: `client ident user [time] "request" status bytes "referer" "user agent"`. A virtual
//! host or what syslog puts in front may stand before them.

use std::borrow::Cow;
use std::net::IpAddr;

use ratekeeper_core::Timestamp;

use crate::request::RequestLine;
use crate::time::{TimeFault, parse_clf};
use crate::{Excerpt, LineError, Record, client, text};

/// More bytes than a time in brackets can have.
const TIME_BYTES: usize = 64;

/// Parses a line that is trimmed and not empty.
pub(crate) fn parse(line: &[u8]) -> Result<Record<'_>, LineError> {
    let (head, time, tail) = split_at_time(line)?;
    let mut record = Record { time, ..Record::default() };
    identity(head, &mut record)?;

    let tail = tail.trim_ascii_start();
    let quoted = tail
        .strip_prefix(b"\"")
        .ok_or_else(|| LineError::NoRequest { found: Excerpt::new(tail) })?;
    let end =
        end_of_request(quoted).ok_or_else(|| LineError::RequestNotClosed { found: Excerpt::new(quoted) })?;
    let (request, rest) = quoted.split_at(end);
    let line = RequestLine::parse(request)
        .map_err(|fault| LineError::BadRequest { found: Excerpt::new(request), fault })?;
    let (path, host) = line.target.decoded();
    record.method = Some(Cow::Borrowed(line.method));
    record.path = Some(path);
    record.host = host.or(record.host);

    let (status, rest) = word(rest.get(1..).unwrap_or_default());
    if !(status == b"-" || status.len() == 3 && status.iter().all(u8::is_ascii_digit)) {
        return Err(LineError::BadStatus { found: Excerpt::new(status) });
    }
    record.status = status_code(status);
    let (referer, rest) = quoted_field(after_size(rest));
    let (agent, _) = quoted_field(rest);
    record.add_header("referer", text::field(referer));
    record.add_header("user-agent", text::field(agent));
    Ok(record)
}

/// What stands before the brackets of the time, the time, and what stands after them.
fn split_at_time(line: &[u8]) -> Result<(&[u8], Timestamp, &[u8]), LineError> {
    let mut form = None;
    for open in memchr::memchr_iter(b'[', line) {
        let (head, after) = line.split_at(open);
        let after = after.get(1..).unwrap_or_default();
        let window = after.get(..TIME_BYTES).unwrap_or(after);
        let close = memchr::memchr(b']', window);
        let written = close.and_then(|close| window.get(..close)).unwrap_or(window);
        match parse_clf(written) {
            Ok(time) if close.is_some() => {
                return Ok((head, time, after.get(written.len() + 1..).unwrap_or_default()));
            }
            // A bracket may also stand in the client or the user name: look for a better one.
            Ok(_) | Err(TimeFault::ClfForm) => form = form.or(Some(written)),
            Err(fault) => return Err(LineError::BadTime { found: Excerpt::new(written), fault }),
        }
    }
    Err(match form {
        Some(written) => LineError::BadTime { found: Excerpt::new(written), fault: TimeFault::ClfForm },
        None => LineError::NoTime { found: Excerpt::new(line) },
    })
}

/// Client, ident and user; a virtual host or a syslog prefix may stand before them.
fn identity<'a>(head: &'a [u8], record: &mut Record<'a>) -> Result<(), LineError> {
    let (first, mut rest) = word(head);
    if first.is_empty() {
        return Err(LineError::NoClient);
    }
    record.ip = client::address(first);
    if record.ip.is_none() {
        let (second, after) = word(rest);
        if let Some((ip, after)) = after_prefix(head, first, second, after) {
            record.ip = Some(ip);
            rest = after;
        } else if let Some(ip) = client::address(second) {
            // `host client ident user`: in the plain form the second word is the ident, which is never an address.
            record.ip = Some(ip);
            record.host = text::field(first);
            rest = after;
        } else {
            record.client_name = text::field(first);
        }
    }
    let (_ident, user) = word(rest);
    record.user = text::field(user.trim_ascii());
    Ok(())
}

/// What follows the client's address in `May 17 10:05:03 web nginx: client ident user`, and that address: the third word
/// from the end is one. Users choose their names, which may hold spaces and addresses: in lines that begin as usual,
/// `name - user` or `host client - user`, nothing is looked for there.
fn after_prefix<'a>(head: &'a [u8], first: &[u8], second: &[u8], after: &[u8]) -> Option<(IpAddr, &'a [u8])> {
    // Only syslog's priority begins so, and only a program's name ends so.
    let priority = first.starts_with(b"<");
    let program = || word(after).0.ends_with(b":");
    if second == b"-" && !priority || client::address(second).is_some() && !program() {
        return None;
    }
    let mut start = head.trim_ascii_end();
    for _ in 0..2 {
        start = before_last_word(start);
    }
    let front = before_last_word(start);
    let ip = client::address(start.get(front.len()..)?.trim_ascii())?;
    Some((ip, head.get(start.len()..)?))
}

/// What stands before the last word, without the space between.
fn before_last_word(input: &[u8]) -> &[u8] {
    let end = memchr::memrchr2(b' ', b'\t', input).unwrap_or(0);
    input.get(..end).unwrap_or_default().trim_ascii_end()
}

/// What follows the size of the response, which may be missing.
fn after_size(rest: &[u8]) -> &[u8] {
    if rest.trim_ascii_start().starts_with(b"\"") {
        rest
    } else {
        word(rest).1
    }
}

/// The next word and what follows it.
fn word(input: &[u8]) -> (&[u8], &[u8]) {
    let input = input.trim_ascii_start();
    input.split_at(memchr::memchr2(b' ', b'\t', input).unwrap_or(input.len()))
}

/// The status that three digits write.
pub(crate) fn status_code(digits: &[u8]) -> Option<u16> {
    let (3, Ok(text)) = (digits.len(), std::str::from_utf8(digits)) else {
        return None;
    };
    text.parse().ok().filter(|status| *status >= 100)
}

/// Where the quote stands that ends the request. Old servers did not escape quotes inside: the right one follows
/// the protocol or precedes the status. Where none does, one before a space or at the line's end has to do.
fn end_of_request(quoted: &[u8]) -> Option<usize> {
    let quotes = || memchr::memchr_iter(b'"', quoted);
    let unescaped = |&at: &usize| !is_escaped(quoted, at);
    let field_ends = |&at: &usize| matches!(quoted.get(at + 1), None | Some(b' '));
    let sure = |at: &usize| field_ends(at) && (status_follows(quoted, *at) || protocol_precedes(quoted, *at));
    let mut regular = quotes().filter(unescaped);
    regular
        .find(sure)
        .or_else(|| quotes().find(sure))
        .or_else(|| quotes().filter(unescaped).find(field_ends))
}

fn status_follows(quoted: &[u8], quote: usize) -> bool {
    match quoted.get(quote + 1..).unwrap_or_default() {
        [b' ', a, b, c] | [b' ', a, b, c, b' ', ..] => [a, b, c].iter().all(|digit| digit.is_ascii_digit()),
        [b' ', b'-'] | [b' ', b'-', b' ', ..] => true,
        _ => false,
    }
}

fn protocol_precedes(quoted: &[u8], quote: usize) -> bool {
    let window = quoted.get(quote.saturating_sub(" HTTP/1.1".len())..quote).unwrap_or_default();
    let last = memchr::memrchr(b' ', window).and_then(|space| window.get(space + 1..));
    last.is_some_and(|word| word.starts_with(b"HTTP/"))
}

/// The next field if it is quoted, and what follows it. Without a closing quote it runs to the line's end.
fn quoted_field(input: &[u8]) -> (&[u8], &[u8]) {
    let Some(body) = input.trim_ascii_start().strip_prefix(b"\"") else {
        return (b"", b"");
    };
    let closes = |&at: &usize| matches!(body.get(at + 1), None | Some(b' ')) && !is_escaped(body, at);
    match memchr::memchr_iter(b'"', body).find(closes) {
        Some(at) => (body.get(..at).unwrap_or_default(), body.get(at + 1..).unwrap_or_default()),
        None => (body, b""),
    }
}

/// Whether an odd number of backslashes stands before `at`.
fn is_escaped(input: &[u8], at: usize) -> bool {
    let before = input.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests;
