//! How much a request may be.

/// Bounds of one request. A parser refuses more, and never waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most arguments, the command included.
    pub arguments: usize,
    /// The most bytes of one argument.
    pub argument_bytes: usize,
    /// The most bytes of a request, from its first to the end of its last line. An inline request has at most
    /// `argument_bytes` of them.
    pub request_bytes: usize,
}

impl Default for Limits {
    /// 64 arguments, 64 KiB for one of them, 256 KiB together.
    fn default() -> Self {
        Self { arguments: 64, argument_bytes: 64 << 10, request_bytes: 256 << 10 }
    }
}
