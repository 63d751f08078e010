//! The protocol, against its definition and a client's reader.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hostile;
mod inline;
mod replies;
mod requests;

use ratekeeper_resp::{Limits, Parser, ProtocolError};

/// The arguments of requests.
type Requests = Vec<Vec<Vec<u8>>>;

/// All requests in the bytes, received in pieces that end at these places; what is left over; and the error, if any.
fn received(bytes: &[u8], ends: &[usize], limits: Limits) -> (Requests, Vec<u8>, Option<ProtocolError>) {
    let (mut parser, mut requests, mut buffer) = (Parser::new(limits), Vec::new(), Vec::new());
    let mut ends: Vec<usize> = ends.iter().map(|end| (*end).min(bytes.len())).collect();
    ends.extend([0, bytes.len()]);
    ends.sort_unstable();
    for piece in ends.windows(2) {
        buffer.extend_from_slice(&bytes[piece[0]..piece[1]]);
        loop {
            let length = match parser.parse(&buffer) {
                Ok(Some(request)) => {
                    requests.push(request.from(0).map(<[u8]>::to_vec).collect());
                    request.length()
                }
                Ok(None) => break,
                Err(error) => return (requests, Vec::new(), Some(error)),
            };
            buffer.drain(..length);
        }
    }
    (requests, buffer, None)
}
