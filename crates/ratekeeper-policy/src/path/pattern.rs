//! `/api/{id}/x`, `/api/{*rest}`.

use std::fmt;

use super::CanonicalPath;
use crate::decode::{FromText, Wrong};
use crate::text::quoted;

/// A pattern over canonical paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern {
    segments: Vec<Segment>,
    rest: bool,
    written: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(Box<[u8]>),
    /// A parameter, perhaps with fixed text around it: `{id}`, `{name}.json`.
    Parameter {
        before: Box<[u8]>,
        after: Box<[u8]>,
    },
}

impl Segment {
    fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Literal(literal) => **literal == *text,
            Self::Parameter { before, after } => {
                text.len() > before.len() + after.len() && text.starts_with(before) && text.ends_with(after)
            }
        }
    }
}

impl PathPattern {
    /// Whether a path matches. A slash at the end makes no difference, but for `{*rest}`, which takes what follows
    /// the slash, be it nothing.
    pub(crate) fn matches(&self, path: &CanonicalPath) -> bool {
        let mut rest = &path.as_bytes()[1..];
        let mut found = 0;
        for segment in &self.segments {
            if rest.is_empty() {
                return false;
            }
            let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            if !segment.matches(&rest[..end]) {
                return false;
            }
            found += end + 1;
            rest = rest.get(end + 1..).unwrap_or(&[]);
        }
        if !self.rest {
            return rest.is_empty();
        }
        // Either something follows, or the path itself ends with a slash.
        found < path.as_bytes().len() || path.is_directory()
    }

    /// Its segments: fixed text, `None` for one with a parameter.
    pub(crate) fn literals(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => Some(&**text),
            Segment::Parameter { .. } => None,
        })
    }

    /// Whether it takes all that follows.
    pub(crate) fn takes_rest(&self) -> bool {
        self.rest
    }

    fn refused(message: impl Into<String>, help: &str) -> Wrong {
        Wrong::new(message, help)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::text::escaped(&self.written))
    }
}

impl FromText for PathPattern {
    const EXPECTED: &'static str = "a pattern such as \"/users/{id}\" or \"/api/{*rest}\"";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let mut pattern = Self { segments: Vec::new(), rest: false, written: text.to_owned() };
        if matches!(text, "*" | "**") {
            pattern.rest = true;
            return Ok(pattern);
        }
        let Some(body) = text.strip_prefix('/') else {
            let help = "a pattern begins with a slash, such as /users/{id}";
            return Err(Self::refused("this is no path", help));
        };
        if text.contains(['?', '#']) {
            return Err(Self::refused("a pattern has no query and no fragment", "match the path only"));
        }
        let body = body.strip_suffix('/').unwrap_or(body);
        if body.is_empty() {
            return Ok(pattern);
        }
        let written: Vec<&str> = body.split('/').collect();
        for (index, segment) in written.iter().enumerate() {
            let last = index + 1 == written.len();
            match segment_of(segment)? {
                Found::Segment(segment) => pattern.segments.push(segment),
                Found::Rest if last && !text.ends_with('/') => pattern.rest = true,
                Found::Star if last && !text.ends_with('/') => pattern.rest = true,
                Found::Star => {
                    let any = Segment::Parameter { before: Box::default(), after: Box::default() };
                    pattern.segments.push(any);
                }
                Found::Rest => {
                    let help = "{*rest} takes all that is left: nothing can follow it";
                    return Err(Self::refused("{*…} stands before the end", help));
                }
            }
        }
        Ok(pattern)
    }

    fn text_schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "pattern": "^/|^\\*\\*?$|\\$\\{" })
    }
}

enum Found {
    Segment(Segment),
    Rest,
    Star,
}

fn segment_of(text: &str) -> Result<Found, Wrong> {
    let help = "write {name} for one segment, {*rest} at the end for all that is left";
    let refused = |message: String| Err(Wrong::new(message, help));
    match text {
        "*" => return Ok(Found::Star),
        "**" => return Ok(Found::Rest),
        "" => {
            return Err(Wrong::new(
                "two slashes follow each other",
                "write one: in paths they are collapsed",
            ));
        }
        "." | ".." => {
            return Err(Wrong::new("dot segments are resolved in paths", "write the path without them"));
        }
        _ => {}
    }
    let Some(open) = text.find('{') else {
        if text.contains('}') {
            return refused(format!("{} has a }} without a {{", quoted(text)));
        }
        if text.starts_with(':') || text.contains('*') {
            return refused(format!("{} is no pattern known here", quoted(text)));
        }
        return Ok(Found::Segment(Segment::Literal(literal(text)?)));
    };
    let Some(close) = text.find('}').filter(|close| *close > open) else {
        return refused(format!("{} has a {{ without a }}", quoted(text)));
    };
    let (before, name, after) = (&text[..open], &text[open + 1..close], &text[close + 1..]);
    if after.contains(['{', '}']) || before.contains('}') {
        return refused("a segment has at most one parameter".to_owned());
    }
    let is_rest = name.starts_with('*');
    let name = name.strip_prefix('*').unwrap_or(name);
    let named = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if name.is_empty() && !is_rest || !named {
        return refused(format!("{} is no name of a parameter", quoted(name)));
    }
    if is_rest {
        if !before.is_empty() || !after.is_empty() {
            return refused("{*rest} is a whole segment".to_owned());
        }
        return Ok(Found::Rest);
    }
    if before.contains('*') || after.contains('*') {
        return refused(format!("{} is no pattern known here", quoted(text)));
    }
    Ok(Found::Segment(Segment::Parameter { before: literal(before)?, after: literal(after)? }))
}

/// Fixed text of a pattern, in the form that paths have.
fn literal(text: &str) -> Result<Box<[u8]>, Wrong> {
    let path = CanonicalPath::new(text);
    let form = &path.as_bytes()[1..];
    if form.contains(&b'/') || form.is_empty() != text.is_empty() {
        let message = format!("{} is more or less than one segment", quoted(text));
        return Err(Wrong::new(message, "separate segments by /, without escapes or dots"));
    }
    Ok(form.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        PathPattern::from_text(pattern).unwrap().matches(&CanonicalPath::new(path))
    }

    #[test]
    fn patterns_match_whole_paths() {
        assert!(matches("/api/{id}/x", "/api/7/x"));
        assert!(matches("/api/{id}/x", "/API/a%20b/X/"));
        assert!(!matches("/api/{id}/x", "/api//x"));
        assert!(!matches("/api/{id}/x", "/api/7/x/y"));
        assert!(!matches("/api/{id}/x", "/api/7"));
        assert!(matches("/", "") && matches("/", "//"));
        assert!(!matches("/", "/x"));
        assert!(matches("/files/{name}.json", "/files/a.JSON"));
        assert!(!matches("/files/{name}.json", "/files/.json"));
        assert!(matches("/a/*/c", "/a/b/c"));
        assert!(matches("/Caf%C3%A9/", "/café"));
    }

    #[test]
    fn the_rest_begins_after_the_slash() {
        assert!(matches("/blog/{*rest}", "/blog/"));
        assert!(matches("/blog/{*rest}", "/blog/x/y"));
        assert!(matches("/blog/*", "/blog/x"));
        assert!(matches("/blog/**", "/blog/x/y/"));
        assert!(!matches("/blog/{*rest}", "/blog"));
        assert!(!matches("/blog/{*rest}", "/blogx"));
        for everything in ["*", "/*", "/{*rest}"] {
            assert!(matches(everything, "/") && matches(everything, "/a/b"));
        }
    }

    #[test]
    fn what_would_never_match_is_refused() {
        let wrong = [
            "",
            "api",
            "/a?b",
            "/a//b",
            "/a/../b",
            "/{*rest}/x",
            "/{id",
            "/id}",
            "/{}",
            "/{a}{b}",
            "/:id",
            "/a*",
            "/a{*b}",
            "/{*rest}/",
            "/a%2Fb",
            "/%2e",
            "/x{a b}",
        ];
        for text in wrong {
            assert!(PathPattern::from_text(text).is_err(), "{text}");
        }
    }
}
