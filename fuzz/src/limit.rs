//! A limit as users write it: `100 per minute burst 20`.

use ratekeeper_policy::parse_limit;

/// Parses the bytes as a limit. What a limit prints as is again a limit, and prints the same.
pub fn limit(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match parse_limit(text) {
        Ok(limit) => {
            let printed = limit.to_string();
            let again = parse_limit(&printed).map(|limit| limit.to_string());
            assert_eq!(again.as_deref().ok(), Some(printed.as_str()), "{again:?}");
            assert!(!printed.contains(char::is_control), "a limit prints on one line: {printed:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error says something"),
    }
}
