//! What is no request.

/// The bytes are no request, or more than a request may be. After it nothing on a connection can be understood: tell the
/// client, with [`Reply::error`](crate::Reply::error) and `ERR` before it, and close.
///
/// The texts are those of Redis where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The number of arguments is no number, or too large.
    #[error("Protocol error: invalid multibulk length")]
    ArgumentCount,
    /// The line with the number of arguments does not end.
    #[error("Protocol error: too big mbulk count string")]
    ArgumentCountLine,
    /// An argument begins with something else than `$`.
    #[error("Protocol error: expected '$', got '{}'", .0.escape_ascii())]
    NoArgument(u8),
    /// The length of an argument is no number, negative, or too large.
    #[error("Protocol error: invalid bulk length")]
    ArgumentLength,
    /// The line with the length of an argument does not end.
    #[error("Protocol error: too big bulk count string")]
    ArgumentLengthLine,
    /// A line does not end with CR LF.
    #[error("Protocol error: expected CR LF at the end of a line")]
    LineEnd,
    /// The request is larger than it may be.
    #[error("Protocol error: too big request")]
    RequestTooLarge,
    /// An inline request is larger than it may be.
    #[error("Protocol error: too big inline request")]
    InlineTooLarge,
    /// A quote of an inline request is not closed, or something follows it at once.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
}
