//! Requests as a person types them.

use ratekeeper_resp::{Limits, ProtocolError};

use super::received;

#[track_caller]
fn check(line: &str, expected: &[&str]) {
    let (requests, _, error) = received(format!("{line}\r\n").as_bytes(), &[], Limits::default());
    assert_eq!(error, None, "{line}");
    let expected: Vec<Vec<u8>> = expected.iter().map(|word| word.as_bytes().to_vec()).collect();
    assert_eq!(requests, [expected], "{line}");
}

#[test]
fn words_are_split_at_blanks_and_unquoted() {
    check("PING", &["PING"]);
    check("  CL.THROTTLE\talice  15 30 60 ", &["CL.THROTTLE", "alice", "15", "30", "60"]);
    check(r#"ECHO "a b" 'c d' "" ''"#, &["ECHO", "a b", "c d", "", ""]);
    check(r#"ECHO "\x41\n\r\t\b\a\"\\\q""#, &["ECHO", "A\n\r\t\u{8}\u{7}\"\\q"]);
    check(r#"ECHO "\xzz" '\n\''"#, &["ECHO", "xzz", "\\n'"]);
    check(r#"ECHO pre"fixed""#, &["ECHO", "prefixed"]);
    check(r"ECHO back\slash", &["ECHO", r"back\slash"]);
}

#[test]
fn quotes_are_closed_and_end_their_word() {
    for line in [
        r#"ECHO "a"#,
        "ECHO 'a",
        r#"ECHO "a"b"#,
        "ECHO 'a'b",
        r#"ECHO "a\"#,
        r#"ECHO "a\""#,
    ] {
        let (_, _, error) = received(format!("{line}\n").as_bytes(), &[], Limits::default());
        assert_eq!(error, Some(ProtocolError::UnbalancedQuotes), "{line}");
    }
}
