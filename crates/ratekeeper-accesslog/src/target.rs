//! The target of a request: path without query, and the host of absolute forms.

use std::borrow::Cow;

use crate::text;

/// The parts of a target, still as the log wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The path, never empty, without query.
    pub(crate) path: &'a [u8],
    /// The host, with port if there is one, without user information.
    pub(crate) host: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    /// Splits `target`: origin form `/p?q`, absolute form `http://h/p?q`, or anything else as a path.
    pub(crate) fn split(target: &'a [u8]) -> Self {
        let (authority, path) = match after_scheme(target) {
            Some(rest) => {
                let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                (Some(authority), path)
            }
            None => (None, target),
        };
        let path = match memchr::memchr(b'?', path) {
            Some(query) => path.split_at(query).0,
            None => path,
        };
        let host = authority.and_then(|authority| authority.rsplit(|&byte| byte == b'@').next());
        Self {
            path: if path.is_empty() { b"/" } else { path },
            host: host.filter(|host| !host.is_empty()),
        }
    }

    /// The target of a `CONNECT`: host and port, which stay as the path as well.
    pub(crate) fn authority(target: &'a [u8]) -> Self {
        Self { path: target, host: Some(target) }
    }

    /// Path and host of a target that is text already.
    pub(crate) fn of_text(target: Cow<'a, str>) -> (Cow<'a, str>, Option<Cow<'a, str>>) {
        match target {
            Cow::Borrowed(target) => {
                // Splitting text at ASCII letters leaves text.
                let part = |part| String::from_utf8_lossy(part);
                let Target { path, host } = Target::split(target.as_bytes());
                (part(path), host.map(part))
            }
            Cow::Owned(target) => {
                let Target { path, host } = Target::split(target.as_bytes());
                let owned = |part| Cow::Owned(String::from_utf8_lossy(part).into_owned());
                (owned(path), host.map(owned))
            }
        }
    }

    /// Path and host with the escapes of a combined log undone.
    pub(crate) fn decoded(self) -> (Cow<'a, str>, Option<Cow<'a, str>>) {
        (text::decode_path(self.path), self.host.map(text::decode))
    }
}

/// What follows `scheme://`, if `target` begins so.
fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    if !target.first()?.is_ascii_alphabetic() {
        return None;
    }
    let colon = target.iter().take(32).position(|byte| !byte.is_ascii_alphanumeric())?;
    target.get(colon..)?.strip_prefix(b"://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_query_and_authority() {
        let cases = [
            ("/a/b?c=d?e", "/a/b", None),
            ("/", "/", None),
            ("*", "*", None),
            ("//double/x", "//double/x", None),
            ("?only=query", "/", None),
            ("http://h.example/p?q", "/p", Some("h.example")),
            ("HTTPS://user:pw@h:8443?q", "/", Some("h:8443")),
            ("http://h", "/", Some("h")),
            ("http:///p", "/p", None),
            ("/redirect?to=http://h/p", "/redirect", None),
            ("/a#b", "/a#b", None),
            ("no/slash", "no/slash", None),
            ("mailto:x", "mailto:x", None),
        ];
        for (target, path, host) in cases {
            let (have, authority) = Target::of_text(Cow::Borrowed(target));
            assert_eq!((have.as_ref(), authority.as_deref()), (path, host), "{target}");
        }
    }
}
