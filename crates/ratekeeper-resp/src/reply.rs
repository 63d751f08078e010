//! Replies.

/// The version of the protocol that a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// What every client understands, and every connection begins with.
    #[default]
    Resp2,
    /// With maps, booleans and a null of their own, for clients that have said `HELLO 3`.
    Resp3,
}

/// Adds values of a reply to bytes that are sent later. Whoever calls it keeps count of what arrays and maps hold.
///
/// ```
/// use ratekeeper_resp::{Reply, Version};
/// let (mut old, mut new) = (Vec::new(), Vec::new());
/// for (out, version) in [(&mut old, Version::Resp2), (&mut new, Version::Resp3)] {
///     Reply::new(out, version).map(1).bulk("allowed").boolean(true);
/// }
/// assert_eq!(old, b"*2\r\n$7\r\nallowed\r\n:1\r\n");
/// assert_eq!(new, b"%1\r\n$7\r\nallowed\r\n#t\r\n");
/// ```
#[derive(Debug)]
pub struct Reply<'o> {
    out: &'o mut Vec<u8>,
    version: Version,
}

impl<'o> Reply<'o> {
    /// Replies go to the end of `out`.
    pub fn new(out: &'o mut Vec<u8>, version: Version) -> Self {
        Self { out, version }
    }

    /// A simple string, such as `OK`.
    pub fn simple(&mut self, text: &str) -> &mut Self {
        self.line(b'+', text)
    }

    /// An error: its code in capitals, a blank, and what is wrong.
    pub fn error(&mut self, text: &str) -> &mut Self {
        self.line(b'-', text)
    }

    /// A number.
    pub fn integer(&mut self, number: i64) -> &mut Self {
        self.out.push(b':');
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.end()
    }

    /// Any bytes.
    pub fn bulk(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        bulk(self.out, bytes.as_ref());
        self
    }

    /// A boolean; 1 or 0 in RESP2.
    pub fn boolean(&mut self, value: bool) -> &mut Self {
        match self.version {
            Version::Resp2 => return self.integer(i64::from(value)),
            Version::Resp3 => self.out.extend_from_slice(if value { b"#t" } else { b"#f" }),
        }
        self.end()
    }

    /// Nothing; the null bulk string in RESP2.
    pub fn null(&mut self) -> &mut Self {
        self.out.extend_from_slice(match self.version {
            Version::Resp2 => b"$-1",
            Version::Resp3 => b"_",
        });
        self.end()
    }

    /// The head of an array of `length` values, which follow.
    pub fn array(&mut self, length: usize) -> &mut Self {
        header(self.out, b'*', length);
        self
    }

    /// The head of a map of `length` keys, each followed by its value; an array of both in RESP2.
    pub fn map(&mut self, length: usize) -> &mut Self {
        match self.version {
            Version::Resp2 => header(self.out, b'*', length.saturating_mul(2)),
            Version::Resp3 => header(self.out, b'%', length),
        }
        self
    }

    fn line(&mut self, kind: u8, text: &str) -> &mut Self {
        self.out.push(kind);
        // A line has one end, whatever is quoted in it.
        self.out.extend(text.bytes().map(|byte| match byte {
            b'\r' | b'\n' => b' ',
            other => other,
        }));
        self.end()
    }

    fn end(&mut self) -> &mut Self {
        self.out.extend_from_slice(b"\r\n");
        self
    }
}

pub(crate) fn header(out: &mut Vec<u8>, kind: u8, length: usize) {
    out.push(kind);
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    header(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}
