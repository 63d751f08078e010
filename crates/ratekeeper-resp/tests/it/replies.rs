//! Replies, as a client reads them.

use ratekeeper_resp::{Reply, Version};
use redis::{Value, parse_redis_value};

#[track_caller]
fn check(version: Version, write: impl Fn(&mut Reply<'_>), expected: &Value) {
    let mut out = Vec::new();
    write(&mut Reply::new(&mut out, version));
    let read = parse_redis_value(&out).unwrap_or_else(|error| panic!("{error}: {}", out.escape_ascii()));
    assert_eq!(read, *expected, "{version:?}");
}

fn text(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

#[test]
fn a_client_reads_what_is_written() {
    for version in [Version::Resp2, Version::Resp3] {
        check(version, |reply| _ = reply.simple("PONG"), &Value::SimpleString("PONG".to_owned()));
        check(version, |reply| _ = reply.simple("OK"), &Value::Okay);
        check(version, |reply| _ = reply.integer(i64::MIN), &Value::Int(i64::MIN));
        check(version, |reply| _ = reply.bulk("a\r\nb"), &text("a\r\nb"));
        check(version, |reply| _ = reply.bulk(""), &text(""));
        check(version, |reply| _ = reply.null(), &Value::Nil);
        let array = |reply: &mut Reply<'_>| _ = reply.array(2).integer(0).array(1).bulk("x");
        check(version, array, &Value::Array(vec![Value::Int(0), Value::Array(vec![text("x")])]));
    }
    let map = |reply: &mut Reply<'_>| _ = reply.map(2).bulk("a").boolean(true).bulk("b").boolean(false);
    let flat = [text("a"), Value::Int(1), text("b"), Value::Int(0)];
    check(Version::Resp2, map, &Value::Array(flat.to_vec()));
    let pairs = [
        (text("a"), Value::Boolean(true)),
        (text("b"), Value::Boolean(false)),
    ];
    check(Version::Resp3, map, &Value::Map(pairs.to_vec()));
}

#[test]
fn an_error_is_one_line_whatever_is_quoted_in_it() {
    let mut out = Vec::new();
    Reply::new(&mut out, Version::Resp3).error("ERR unknown 'a\r\n+OK\r\n'");
    assert_eq!(out, b"-ERR unknown 'a  +OK  '\r\n");
}
