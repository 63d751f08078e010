use std::borrow::Cow;

use proptest::prelude::*;

use crate::request::RequestFault;
use crate::{Format, LineError, Record, parse_line};

const TIME: &str = "[17/May/2015:10:05:03 +0000]";

fn parse(line: &str) -> Record<'_> {
    parse_line(line.as_bytes(), Format::Auto).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Client (address or name), user, method and path.
fn essence<'r>(record: &'r Record<'_>) -> (String, Option<&'r str>, Option<&'r str>, Option<&'r str>) {
    let client = record.ip.map(|ip| ip.to_string()).or(record.client_name.as_deref().map(str::to_owned));
    (
        client.unwrap_or_default(),
        record.user.as_deref(),
        record.method.as_deref(),
        record.path.as_deref(),
    )
}

#[test]
fn clients_and_users() {
    let cases = [
        ("192.0.2.7 - -", "192.0.2.7", None),
        ("192.0.2.7 - ann", "192.0.2.7", Some("ann")),
        ("192.0.2.7 - ann of [x] y", "192.0.2.7", Some("ann of [x] y")),
        ("192.0.2.7 - \"\"", "192.0.2.7", None),
        ("192.0.2.7:99 id bob", "192.0.2.7", Some("bob")),
        ("2001:db8::1 - -", "2001:db8::1", None),
        ("  192.0.2.7   -   ann  ", "192.0.2.7", Some("ann")),
        ("pipe3.nyc.example.com - -", "pipe3.nyc.example.com", None),
        ("h.example:443 192.0.2.7 - ann", "192.0.2.7", Some("ann")),
        ("192.0.2.7", "192.0.2.7", None),
        ("192.0.2.7\t-\tann", "192.0.2.7", Some("ann")),
        ("- - ann", "", Some("ann")),
    ];
    for (head, client, user) in cases {
        let line = format!("{head} {TIME} \"GET / HTTP/1.1\" 200 1");
        assert_eq!(essence(&parse(&line)), (client.to_owned(), user, Some("GET"), Some("/")), "{head}");
    }
    let line = format!("192.0.2.7 - - {TIME} \"GET / HTTP/1.1\" 200 \"http://r/\" \"curl\"");
    assert_eq!(parse(&line).header("referer"), Some("http://r/"), "without a size");
    let line = format!("h.example:443 192.0.2.7 - - {TIME} \"GET / HTTP/1.1\" 200 1");
    assert_eq!(parse(&line).host.as_deref(), Some("h.example:443"));
}

#[test]
fn syslog_in_front_is_skipped() {
    let cases = [
        ("May 17 10:05:03 web nginx: 192.0.2.7 - -", "192.0.2.7", None),
        ("May  7 10:05:03 web nginx:   192.0.2.7 \t id  ann ", "192.0.2.7", Some("ann")),
        ("<134>May 17 10:05:03 web nginx: [2001:db8::1]:443 - ann", "2001:db8::1", Some("ann")),
        (
            "<134>1 2015-05-17T10:05:03Z web nginx - - - 192.0.2.7 - alice",
            "192.0.2.7",
            Some("alice"),
        ),
        ("<134>1 - - - - - - 192.0.2.7 - alice", "192.0.2.7", Some("alice")),
        (
            "<134>1 2015-05-17T10:05:03Z web nginx 7 - [id@1 k=\"v\"] 192.0.2.7 - -",
            "192.0.2.7",
            None,
        ),
        ("May 17 10:05:03 web nginx[77]: 192.0.2.7 - -", "192.0.2.7", None),
        ("2015-05-17T10:05:03Z 198.51.100.1 nginx: 192.0.2.7 - -", "192.0.2.7", None),
        // Users choose their names: these are no clients.
        ("198.51.100.1 - x 192.0.2.7 a b", "198.51.100.1", Some("x 192.0.2.7 a b")),
        (
            "198.51.100.1 - May 17 web nginx: 192.0.2.7 - -",
            "198.51.100.1",
            Some("May 17 web nginx: 192.0.2.7 - -"),
        ),
        ("h.example 198.51.100.1 - x 192.0.2.7 a b", "198.51.100.1", Some("x 192.0.2.7 a b")),
        ("name.example.com - x 192.0.2.7 a b", "name.example.com", Some("x 192.0.2.7 a b")),
    ];
    for (head, client, user) in cases {
        let line = format!("{head} {TIME} \"GET / HTTP/1.1\" 200 1");
        let record = parse(&line);
        assert_eq!(essence(&record), (client.to_owned(), user, Some("GET"), Some("/")), "{head}");
        let vhost = head.starts_with("h.example").then_some("h.example");
        assert_eq!(record.host.as_deref(), vhost, "{head}");
    }
}

#[test]
fn requests_with_stray_quotes_and_spaces() {
    let cases = [
        (r#""GET /a HTTP/1.1" 200 1"#, "/a", Some(200)),
        (r#""GET /a?b=\"c\" HTTP/1.1" 404 -"#, "/a", Some(404)),
        (r#""GET /a\"b HTTP/1.1" 200 1"#, "/a\"b", Some(200)),
        (r#""GET /caf\xC3\xA9 HTTP/1.1" 200 1"#, "/café", Some(200)),
        (r#""GET /history/apollo" HTTP/1.0" 404 -"#, "/history/apollo\"", Some(404)),
        (r#""GET /x"" 404 -"#, "/x\"", Some(404)),
        (r#""GET /x\" 404 -"#, "/x\\", Some(404)),
        (r#""GET /finger @net.com.net HTTP/1.0" 404 -"#, "/finger @net.com.net", Some(404)),
        (r#""GET /x" 302 -"#, "/x", Some(302)),
        (r#""GET /x HTTP/1.0" - -"#, "/x", None),
        (r#""GET /x HTTP/1.0" -"#, "/x", None),
        (r#""GET /x HTTP/1.0" 200"#, "/x", Some(200)),
        (r#""GET /x" 200 -"#, "/x", Some(200)),
        (r#""GET /x HTTP/1.0" 000 -"#, "/x", None),
        (r#""GET http://h.example/x?y HTTP/1.0" 200 1"#, "/x", Some(200)),
        (r#""OPTIONS * HTTP/1.1" 200 1"#, "*", Some(200)),
    ];
    for (tail, path, status) in cases {
        let line = format!("192.0.2.7 - - {TIME} {tail}");
        let record = parse(&line);
        assert_eq!((record.path.as_deref(), record.status), (Some(path), status), "{tail}");
    }
}

#[test]
fn referer_and_agent() {
    let cases = [
        (r#""http://r/" "Mozilla/5.0 (X) \"q\"""#, Some("http://r/"), Some("Mozilla/5.0 (X) \"q\"")),
        (r#""-" "curl" "10.0.0.1" 0.004"#, None, Some("curl")),
        (r#""-" "-""#, None, None),
        (r#""http://r/cut o"#, Some("http://r/cut o"), None),
        (r#""-" "Mozilla/5.0 (cut off"#, None, Some("Mozilla/5.0 (cut off")),
        (r#""-" "a "b" c""#, None, Some("a \"b")),
        (r#""http://r/" "#, Some("http://r/"), None),
        ("0.004", None, None),
        ("", None, None),
    ];
    for (tail, referer, agent) in cases {
        let line = format!("192.0.2.7 - - {TIME} \"GET / HTTP/1.1\" 200 1 {tail}");
        let record = parse(&line);
        assert_eq!((record.header("referer"), record.header("user-agent")), (referer, agent), "{tail}");
    }
}

#[test]
fn bad_lines_say_what_is_wrong() {
    let ok = "\"GET / HTTP/1.1\" 200 1";
    let cases = [
        (String::new(), "blank"),
        (" \t ".to_owned(), "blank"),
        ("noise".to_owned(), "no time in brackets"),
        (format!("{TIME} {ok}"), "no client"),
        (format!("h - - [17/May/2015] {ok}"), "bad time `17/May/2015`"),
        (format!("h - - [31/Feb/2015:10:05:03 +0000] {ok}"), "the day must exist"),
        (format!("h - - [17/May/2015:10:05:03 +0000 {ok}"), "bad time"),
        (format!("h - - {TIME}"), "no request"),
        (format!("h - - {TIME} -"), "no request"),
        (format!("h - - {TIME} \"GET /cut"), "no closing quote"),
        (
            format!("h - - {TIME} \"GET /x HTTP/1.0\""),
            "no status of three digits, or -, after the request, but ``",
        ),
        (format!("h - - {TIME} \"GET /x\""), "no status"),
        (
            format!("h - - {TIME} \"GET /x HTTP/1.0\" \"-\" 200 7"),
            "no status of three digits, or -, after the request, but `\"-\"`",
        ),
        (format!("h - - {TIME} \"GET /x HTTP/2\" \"cache miss\" 200 7"), "no status"),
        (format!("h - - {TIME} \"GET /x\" and \"more\" \"quotes\""), "but `and`"),
        (format!("h - - {TIME} \"GET /x HTTP/1.0\" 20"), "but `20`"),
        (format!("h - - {TIME} \"GET /x HTTP/1.0\" 2000 7"), "but `2000`"),
        (format!("h - - {TIME} \"GET /x HTTP/1.0\" 2x0 7"), "but `2x0`"),
        (format!("h - - {TIME} \"-\" 408 0"), "sent no request line"),
        (format!("h - - {TIME} \"\" 400 -"), "sent no request line"),
        (format!("h - - {TIME} \"\\x16\\x03\" 400 -"), "must begin with a method"),
        (format!("h - - {TIME} \"GET\" 400 -"), "a target such as /path"),
    ];
    for (line, part) in cases {
        let message = parse_line(line.as_bytes(), Format::Auto).unwrap_err().to_string();
        assert!(message.contains(part), "{line}: {message}");
    }
}

#[test]
fn bytes_that_are_not_utf8_harm_only_their_field() {
    let line = b"192.0.2.7 - \xff [17/May/2015:10:05:03 +0000] \"GET /\xe9 HTTP/1.1\" 200 1 \"-\" \"\xfe\0\"";
    let record = parse_line(line, Format::Auto).unwrap();
    assert_eq!(record.user.as_deref(), Some(r"\xff"));
    assert_eq!(record.path.as_deref(), Some("/%e9"));
    assert_eq!(record.header("user-agent"), Some("\\xfe\0"));
}

#[test]
fn an_ordinary_line_is_borrowed_throughout() {
    let line = format!("192.0.2.7 - ann {TIME} \"GET /a HTTP/1.1\" 200 1 \"http://r/\" \"curl\"");
    let record = parse(&line);
    assert!(matches!(record.path, Some(Cow::Borrowed(_))));
    assert!(matches!(record.user, Some(Cow::Borrowed(_))));
    assert!(!record.headers.spilled());
    assert!(record.headers.iter().all(|(_, value)| matches!(value, Cow::Borrowed(_))));
    assert_eq!(record.clone().into_owned(), record);
}

#[test]
fn messages_never_carry_raw_input() {
    let line = b"\x1b[31mred [\x1b[2J\xff] \"\x07";
    let message = parse_line(line, Format::Auto).unwrap_err().to_string();
    assert!(
        message.chars().all(|shown| shown == '…' || shown == ' ' || shown.is_ascii_graphic()),
        "{message}"
    );
    let error =
        parse_line(format!("h - - {TIME} \"{}\"", "?".repeat(100_000)).as_bytes(), Format::Auto).unwrap_err();
    assert!(matches!(error, LineError::BadRequest { fault: RequestFault::Method, .. }));
    assert!(error.to_string().len() < 300);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(line in prop::collection::vec(any::<u8>(), 0..400)) {
        for format in [Format::Auto, Format::Combined, Format::Json] {
            if let Err(error) = parse_line(&line, format) {
                prop_assert!(!error.to_string().bytes().any(|byte| byte.is_ascii_control()));
            }
        }
    }

    #[test]
    fn mutated_lines_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..12),
        json in any::<bool>(),
    ) {
        let combined = format!("192.0.2.7 - ann {TIME} \"GET /a\\x20b?c HTTP/1.1\" 200 1 \"-\" \"x \\\"y\\\"\"");
        let object = r#"{"time":"2015-05-17T10:05:03Z","request":{"remote_ip":"::1","uri":"/a","headers":{"A":["b"]}},"n":1.5e9}"#;
        let mut line = if json { object.as_bytes().to_vec() } else { combined.into_bytes() };
        for (at, byte, how) in edits {
            let at = at.index(line.len());
            match how {
                0 => line[at] = byte,
                1 => line.insert(at, byte),
                _ => line.truncate(at + 1),
            }
        }
        let _ = parse_line(&line, Format::Auto).map(Record::into_owned::<'static>);
    }

    #[test]
    fn any_quoted_path_comes_back(path in "/[^\\x00-\\x20?\u{7f}]{0,40}") {
        let escaped = path.replace('\\', "\\\\").replace('"', "\\\"");
        let line = format!("192.0.2.7 - - {TIME} \"GET {escaped} HTTP/1.1\" 200 1");
        let record = parse(&line);
        prop_assert_eq!(record.path.as_deref(), Some(path.as_str()));
    }
}
