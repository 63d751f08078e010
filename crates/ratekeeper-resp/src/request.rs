//! One request.

use std::ops::Range;

/// A request: a command and its arguments, where they lie in what was received.
#[derive(Clone, Copy, Debug)]
pub struct Request<'p> {
    pub(crate) bytes: &'p [u8],
    pub(crate) arguments: &'p [Range<usize>],
    pub(crate) length: usize,
}

impl<'p> Request<'p> {
    /// How many arguments it has, the command included. A request of none is to be passed over, as Redis does.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arguments.len()
    }

    /// Whether it has not even a command.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arguments.is_empty()
    }

    /// The argument at this place; the command is at 0.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&'p [u8]> {
        self.bytes.get(self.arguments.get(place)?.clone())
    }

    /// All arguments from this place on.
    pub fn from(&self, place: usize) -> impl Iterator<Item = &'p [u8]> + use<'p> {
        let (bytes, arguments) = (self.bytes, self.arguments.get(place..).unwrap_or_default());
        arguments.iter().filter_map(|range| bytes.get(range.clone()))
    }

    /// How many of the received bytes it took up: the next request begins after them.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }
}

/// Writes a request as clients do: an array of bulk strings.
///
/// ```
/// let mut out = Vec::new();
/// ratekeeper_resp::write_request(&mut out, &["CL.THROTTLE", "alice", "15", "30", "60"]);
/// assert!(out.starts_with(b"*5\r\n$11\r\nCL.THROTTLE\r\n$5\r\nalice\r\n"));
/// ```
pub fn write_request(out: &mut Vec<u8>, arguments: &[impl AsRef<[u8]>]) {
    crate::reply::header(out, b'*', arguments.len());
    for argument in arguments {
        crate::reply::bulk(out, argument.as_ref());
    }
}
