//! Patterns over values of headers, descriptors, users.

use std::fmt;

use crate::decode::{FromText, Wrong};
use crate::text::quoted;

/// `gold`, `gold*`, `*gold`, `*gold*`, `g*l*d`, or `*` for whatever is there; byte for byte, case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ValuePattern {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Part(String),
    /// What stands around and between the stars of any other pattern, at least two texts.
    Pieces(Vec<String>),
    Present,
}

impl ValuePattern {
    /// Whether a value matches.
    pub(crate) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(text) => value == text,
            Self::Prefix(text) => value.starts_with(text.as_str()),
            Self::Suffix(text) => value.ends_with(text.as_str()),
            Self::Part(text) => value.contains(text.as_str()),
            Self::Pieces(pieces) => matches_pieces(pieces, value),
            Self::Present => true,
        }
    }
}

/// Whether the first piece begins the value, the last ends it, and the others lie in between, in order.
fn matches_pieces(pieces: &[String], value: &str) -> bool {
    let [first, between @ .., last] = pieces else {
        return pieces.iter().all(|piece| piece == value);
    };
    let Some(mut rest) = value.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()))
    else {
        return false;
    };
    // The earliest place for each leaves most room for the next.
    for piece in between {
        match rest.split_once(piece.as_str()) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

impl fmt::Display for ValuePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => f.write_str(&quoted(text)),
            Self::Prefix(text) => write!(f, "{}*", quoted(text)),
            Self::Suffix(text) => write!(f, "*{}", quoted(text)),
            Self::Part(text) => write!(f, "*{}*", quoted(text)),
            Self::Pieces(pieces) => f.write_str(&quoted(&pieces.join("*"))),
            Self::Present => f.write_str("*"),
        }
    }
}

impl FromText for ValuePattern {
    const EXPECTED: &'static str = "a value, a pattern such as \"prefix*\", or \"*\" for any";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let (head, rest) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
        let (tail, inner) = rest.strip_suffix('*').map_or((false, rest), |rest| (true, rest));
        if inner.contains('*') {
            return Ok(Self::Pieces(text.split('*').map(str::to_owned).collect()));
        }
        let inner = inner.to_owned();
        Ok(match (head, tail) {
            _ if inner.is_empty() && (head || tail) => Self::Present,
            (false, false) => Self::Exact(inner),
            (false, true) => Self::Prefix(inner),
            (true, false) => Self::Suffix(inner),
            (true, true) => Self::Part(inner),
        })
    }

    fn text_schema() -> serde_json::Value {
        String::text_schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        let matches = |pattern: &str, value: &str| ValuePattern::from_text(pattern).unwrap().matches(value);
        assert!(matches("gold", "gold") && !matches("gold", "Gold"));
        assert!(matches("go*", "gold") && matches("*ld", "gold") && matches("*ol*", "gold"));
        assert!(matches("*", "") && matches("**", "x") && matches("", "") && !matches("", "x"));
        assert!(
            matches("a*b", "ab")
                && matches("a*b", "a-b")
                && !matches("a*b", "a-b-")
                && !matches("ab*ba", "aba")
        );
        assert!(
            matches("*a*b", "xaxb")
                && matches("a*b*", "axbx")
                && matches("a*b*c", "abbc")
                && !matches("a*b*c", "ac")
        );
    }
}
