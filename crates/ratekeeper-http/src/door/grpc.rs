//! Refusals as gRPC clients read them: HTTP 200 with a status in the headers, and no body.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

use crate::Headers;

/// Whether a request is a gRPC call.
#[must_use]
pub fn is_call<H: Headers + ?Sized>(headers: &H) -> bool {
    let lines = headers.lines("content-type");
    match lines.first().and_then(|kind| kind.strip_prefix(b"application/grpc")) {
        Some(rest) => matches!(rest.first(), None | Some(b'+' | b';')),
        None => false,
    }
}

/// The answer to a refused call.
pub(super) fn refusal(status: StatusCode, message: &str) -> Response<Bytes> {
    let code = match status {
        StatusCode::TOO_MANY_REQUESTS => "8",
        StatusCode::FORBIDDEN => "7",
        StatusCode::BAD_REQUEST => "3",
        StatusCode::SERVICE_UNAVAILABLE => "14",
        _ => "13",
    };
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from_static(code));
    if let Ok(message) = HeaderValue::try_from(percent_encoded(message)) {
        headers.insert("grpc-message", message);
    }
    response
}

/// As the protocol has it: all but printable ASCII, and the percent sign, as `%XX`.
fn percent_encoded(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn calls_are_known_by_their_content_type() {
        let is = |kind: &'static str| {
            is_call(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]))
        };
        assert!(is("application/grpc") && is("application/grpc+proto") && is("application/grpc;x=y"));
        assert!(!is("application/grpc-web") && !is("application/json") && !is_call(&HeaderMap::new()));
    }

    #[test]
    fn messages_are_escaped() {
        assert_eq!(percent_encoded("50% é\n"), "50%25 %C3%A9%0A");
    }
}
