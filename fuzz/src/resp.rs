//! What a client of the Redis protocol may send.

use ratekeeper_resp::{Limits, Parser, ProtocolError, write_request};

/// Small, so that inputs reach beyond them.
const LIMITS: Limits = Limits { arguments: 6, argument_bytes: 48, request_bytes: 128 };

/// Reads the bytes as requests, in pieces as long as the first byte says: the pieces make no difference, no request is
/// larger than it may be, and what was read is read again when it is written.
pub fn resp(data: &[u8]) {
    let (step, bytes) = data.split_first().map_or((1, data), |(first, rest)| (usize::from(*first) + 1, rest));
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(whole, read(bytes, step), "the pieces make no difference");
    for request in &whole.requests {
        assert!(request.len() <= LIMITS.arguments, "{} arguments", request.len());
        assert!(
            request.iter().all(|argument| argument.len() <= LIMITS.argument_bytes),
            "an argument is bounded"
        );
    }
    let mut written = Vec::new();
    for request in &whole.requests {
        write_request(&mut written, request);
    }
    let again = read(&written, step);
    assert_eq!(
        (again.requests, again.rest, again.error),
        (whole.requests, 0, None),
        "what is written is read"
    );
}

/// All requests in some bytes, what is left over, and what is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    requests: Vec<Vec<Vec<u8>>>,
    rest: usize,
    error: Option<ProtocolError>,
}

fn read(bytes: &[u8], step: usize) -> Read {
    let mut parser = Parser::new(LIMITS);
    let (mut at, mut end, mut requests) = (0, 0, Vec::new());
    while end < bytes.len() {
        end = (end + step).min(bytes.len());
        loop {
            match parser.parse(&bytes[at..end]) {
                Ok(None) => break,
                Ok(Some(request)) => {
                    requests.push(request.from(0).map(<[u8]>::to_vec).collect());
                    at += request.length();
                }
                Err(error) => return Read { requests, rest: 0, error: Some(error) },
            }
        }
    }
    Read { requests, rest: bytes.len() - at, error: None }
}
