//! What is no request, and what is more than one may be.

use ratekeeper_resp::{Limits, Parser, ProtocolError};

use super::received;

#[track_caller]
fn check(bytes: &[u8], expected: &str) {
    let (_, _, error) = received(bytes, &[], Limits::default());
    let said = error.map(|error| error.to_string());
    assert_eq!(said.as_deref(), Some(expected), "{}", bytes[..bytes.len().min(60)].escape_ascii());
}

#[test]
fn what_is_no_request_is_told_as_redis_does() {
    for count in [
        "65",
        "2147483648",
        "99999999999999999999",
        "x",
        "",
        "+1",
        "01",
        "1 ",
    ] {
        check(format!("*{count}\r\n").as_bytes(), "Protocol error: invalid multibulk length");
    }
    check(&[b"*".as_slice(), &[b'1'; 40]].concat(), "Protocol error: too big mbulk count string");
    for length in ["-1", "65537", "99999999999999999999", "x", ""] {
        check(format!("*1\r\n${length}\r\n").as_bytes(), "Protocol error: invalid bulk length");
    }
    check(
        &[b"*1\r\n$".as_slice(), &[b'1'; 40]].concat(),
        "Protocol error: too big bulk count string",
    );
    check(b"*1\r\n:1\r\n", "Protocol error: expected '$', got ':'");
    check(b"*1\r\n\xff", "Protocol error: expected '$', got '\\xff'");
    check(b"*1\r\n*1\r\n*1\r\n", "Protocol error: expected '$', got '*'");
    check(b"*1\r\n$4\r\nPINGxx", "Protocol error: expected CR LF at the end of a line");
    check(b"*1\rx", "Protocol error: expected CR LF at the end of a line");
    check(&[b'x'; (64 << 10) + 1], "Protocol error: too big inline request");
}

#[test]
fn a_request_is_refused_before_it_is_waited_for() {
    let limits = Limits { arguments: 3, argument_bytes: 100, request_bytes: 120 };
    let mut parser = Parser::new(limits);
    assert_eq!(parser.parse(b"*2\r\n$101\r\n").err(), Some(ProtocolError::ArgumentLength));
    let whole = format!("*2\r\n$90\r\n{}\r\n$20\r\n", "x".repeat(90));
    let mut parser = Parser::new(limits);
    assert_eq!(parser.parse(whole.as_bytes()).err(), Some(ProtocolError::RequestTooLarge));
    let words = b"a b c d\n";
    assert_eq!(Parser::new(limits).parse(words).err(), Some(ProtocolError::ArgumentCount));
}

#[test]
fn the_largest_request_is_read() {
    let limits = Limits { arguments: 2, argument_bytes: 10, request_bytes: 32 };
    let bytes = b"*2\r\n$10\r\n0123456789\r\n$5\r\n01234\r\n";
    assert_eq!(bytes.len(), 32);
    let (requests, _, error) = received(bytes, &[], limits);
    assert_eq!((requests.len(), error), (1, None));
    let (requests, _, error) = received(b"0123456789\n", &[10], limits);
    assert_eq!((requests.len(), error), (1, None));
    let (_, _, error) = received(b"0123456789a\n", &[], limits);
    assert_eq!(error, Some(ProtocolError::InlineTooLarge));
}
