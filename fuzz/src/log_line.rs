//! A line of an access log, as anyone who can send a request may have written it.

use ratekeeper_accesslog::{Format, parse_line};

/// Parses the bytes as one line in every format: a record or an error, and the error can be printed.
pub fn log_line(data: &[u8]) {
    for format in [Format::Auto, Format::Combined, Format::Json] {
        match parse_line(data, format) {
            Ok(record) => assert!(format!("{record:?}").contains("Record"), "a record prints"),
            Err(error) => {
                let text = error.to_string();
                assert!(!text.is_empty(), "an error says something");
                assert!(!text.contains(char::is_control), "what a client wrote is escaped: {text:?}");
            }
        }
    }
}
