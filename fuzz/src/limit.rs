//! A limit as users write it: `100 per minute burst 20`.

use ratekeeper_policy::parse_limit;

/// Parses the bytes as a limit; what a limit prints as is always the same limit's.
pub fn limit(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse_limit(text) {
        Ok(limit) => {
            let printed = limit.to_string();
            assert_eq!(printed, limit.to_string(), "printing is stable");
            assert!(!printed.contains(char::is_control), "a limit prints on one line: {printed:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error says something"),
    }
}
