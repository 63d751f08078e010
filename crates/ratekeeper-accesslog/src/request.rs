//! The request line: `METHOD target PROTOCOL`.

use crate::target::Target;

/// The longest method that is taken for one.
const METHOD_BYTES: usize = 32;

/// What is wrong with a request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFault {
    /// `-` or nothing: the client closed the connection before it sent a request.
    #[error("the client sent no request line")]
    Missing,
    /// The first word is no method.
    #[error("it must begin with a method, a word of at most {METHOD_BYTES} letters such as GET")]
    Method,
    /// There is nothing after the method, or only the protocol.
    #[error("a target such as /path must follow the method")]
    Target,
}

/// A request line in its parts, still escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestLine<'a> {
    /// Letters only.
    pub(crate) method: &'a str,
    pub(crate) target: Target<'a>,
}

impl<'a> RequestLine<'a> {
    /// Takes `METHOD target [HTTP/…]` apart. The target may hold spaces and quotes.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, RequestFault> {
        let line = line.trim_ascii();
        if line.is_empty() || line == b"-" {
            return Err(RequestFault::Missing);
        }
        let end = line.iter().take(METHOD_BYTES + 1).position(u8::is_ascii_whitespace).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let method = method(word).ok_or(RequestFault::Method)?;
        let target = without_protocol(rest.trim_ascii());
        if target.is_empty() {
            return Err(RequestFault::Target);
        }
        let connects = method == "CONNECT" && target.first() != Some(&b'/');
        let target = if connects {
            Target::authority(target)
        } else {
            Target::split(target)
        };
        Ok(Self { method, target })
    }
}

/// `word` if it is a method: letters, and `-` or `_` between them as in `M-SEARCH`.
pub(crate) fn method(word: &[u8]) -> Option<&str> {
    let letters = word.iter().all(|&byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'));
    let fits = word.len() <= METHOD_BYTES && word.first().is_some_and(u8::is_ascii_alphabetic);
    if fits && letters {
        std::str::from_utf8(word).ok()
    } else {
        None
    }
}

fn without_protocol(rest: &[u8]) -> &[u8] {
    let cut = memchr::memrchr(b' ', rest).map_or(0, |space| space + 1);
    let (target, last) = rest.split_at(cut);
    if last.starts_with(b"HTTP/") {
        target.trim_ascii_end()
    } else {
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines() {
        let good: [(&str, &str, &str); 9] = [
            ("GET /a?b HTTP/1.1", "GET", "/a"),
            ("GET /shuttle", "GET", "/shuttle"),
            ("GET /finger @net.com.net HTTP/1.0", "GET", "/finger @net.com.net"),
            ("GET / /   HTTP/1.0", "GET", "/ /"),
            ("GET  /x  HTTP/V1.0", "GET", "/x"),
            ("get /a\" b HTTP/1.0", "get", "/a\" b"),
            ("OPTIONS * HTTP/1.1", "OPTIONS", "*"),
            ("CONNECT h:443 HTTP/1.1", "CONNECT", "h:443"),
            ("M-SEARCH * HTTP/1.1", "M-SEARCH", "*"),
        ];
        for (line, method, path) in good {
            let request = RequestLine::parse(line.as_bytes()).unwrap();
            assert_eq!((request.method, request.target.path), (method, path.as_bytes()), "{line}");
        }
        let bad = [
            ("", RequestFault::Missing),
            ("-", RequestFault::Missing),
            ("GET", RequestFault::Target),
            ("GET HTTP/1.0", RequestFault::Target),
            (r"\x16\x03\x01 /", RequestFault::Method),
            ("/path HTTP/1.0", RequestFault::Method),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG /", RequestFault::Method),
        ];
        for (line, fault) in bad {
            assert_eq!(RequestLine::parse(line.as_bytes()), Err(fault), "{line}");
        }
    }
}
