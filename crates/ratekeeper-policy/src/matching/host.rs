//! Hosts and patterns over them.

use std::fmt;

use crate::decode::{FromText, Wrong};
use crate::text::quoted;

/// A host without its port and without the dot at its end; case is left as it is.
pub(crate) fn bare_host(host: &str) -> &str {
    let host = host.trim();
    let bare = match host.strip_prefix('[').and_then(|rest| rest.find(']')) {
        // [2001:db8::1]:443
        Some(end) => &host[..end + 2],
        None => match host.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                name
            }
            _ => host,
        },
    };
    bare.strip_suffix('.').unwrap_or(bare)
}

/// `example.com`, `*.example.com`, `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostPattern {
    Any,
    Exact(String),
    /// Every name below this one, which begins with a dot.
    Below(String),
}

impl HostPattern {
    /// Whether a host as it was sent matches.
    pub(crate) fn matches(&self, host: &str) -> bool {
        let host = bare_host(host).as_bytes();
        match self {
            Self::Any => true,
            Self::Exact(name) => host.eq_ignore_ascii_case(name.as_bytes()),
            Self::Below(suffix) => {
                let start = host.len().saturating_sub(suffix.len());
                start > 0 && host[start..].eq_ignore_ascii_case(suffix.as_bytes())
            }
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(name) => f.write_str(name),
            Self::Below(suffix) => write!(f, "*{suffix}"),
        }
    }
}

impl FromText for HostPattern {
    const EXPECTED: &'static str = "a host such as example.com or \"*.example.com\"";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let help = "write a host such as example.com or \"*.example.com\", without scheme and path";
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let bare = bare_host(text).to_ascii_lowercase();
        let name = bare.strip_prefix("*.").unwrap_or(&bare);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '[' | ']' | ':');
        if name.is_empty() || name.starts_with('.') || name.len() > 253 || !name.chars().all(fits) {
            return Err(Wrong::new(format!("{} is no host", quoted(name)), help));
        }
        match bare.strip_prefix('*') {
            Some(suffix) => Ok(Self::Below(suffix.to_owned())),
            None => Ok(Self::Exact(bare)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_dots_and_case_make_no_difference() {
        let exact = HostPattern::from_text("Example.com").unwrap();
        for host in [
            "example.com",
            "EXAMPLE.com:443",
            "example.com.",
            "example.com.:80",
        ] {
            assert!(exact.matches(host), "{host}");
        }
        assert!(!exact.matches("www.example.com") && !exact.matches(""));
        let below = HostPattern::from_text("*.example.com").unwrap();
        assert!(below.matches("a.b.example.com:1") && !below.matches("example.com"));
        assert!(!below.matches("badexample.com") && !below.matches(".example.com"));
        assert_eq!(bare_host("[2001:db8::1]:443"), "[2001:db8::1]");
        assert_eq!(bare_host("2001:db8::1"), "2001:db8::1");
        for wrong in ["", "https://x", "a b", "*.", "a/*", "x.*"] {
            assert!(HostPattern::from_text(wrong).is_err(), "{wrong}");
        }
    }
}
