//! Bits of the log that are safe to show.

use std::fmt;

/// The most characters of input that an excerpt shows.
const SHOWN: usize = 60;

/// A piece of input, escaped and shortened: printable ASCII of at most about 60 characters plus `…`, safe for
/// terminals and logs.
///
/// ```
/// use ratekeeper_accesslog::Excerpt;
///
/// assert_eq!(Excerpt::new(b"GET /\x1b[31m\xff").to_string(), r"GET /\x1b[31m\xff");
/// assert!(Excerpt::new(&[b'a'; 1000]).to_string().ends_with('…'));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// The beginning of `input`, made safe.
    #[must_use]
    pub fn new(input: &[u8]) -> Self {
        let mut shown = String::new();
        for &byte in input {
            let escaped = std::ascii::escape_default(byte);
            if shown.len() + escaped.len() > SHOWN {
                shown.push('…');
                break;
            }
            match byte {
                // Quotes are ordinary in logs and harmless.
                b'"' | b'\'' => shown.push(char::from(byte)),
                _ => shown.extend(escaped.map(char::from)),
            }
        }
        Self(shown.into_boxed_str())
    }

    /// The text to show.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Excerpt({})", self.0)
    }
}
