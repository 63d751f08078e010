//! Who the user is, told from the head of a request.

mod api_key;
mod asked;
mod from_header;
#[cfg(feature = "jwt")]
mod jwt;
mod or;

use std::borrow::Cow;
use std::fmt::Debug;

pub use self::api_key::ApiKey;
pub use self::asked::Asked;
pub use self::from_header::FromHeader;
#[cfg(feature = "jwt")]
pub use self::jwt::{JwtKeyError, JwtKeys, JwtSubject};
pub use self::or::Or;

/// Tells who the user is that a request comes from, for rules that count by `user`.
///
/// What it reads is hostile. Whoever can choose what it answers can choose whom to use up, or be somebody new with every
/// request: so it must verify, or read what somebody in front has verified. When in doubt it answers `None`, and rules that
/// count by user say with `missing` what happens then.
///
/// ```
/// use std::borrow::Cow;
/// use ratekeeper_http::{Asked, FromHeader, Identify};
///
/// /// The name in the client certificate, as the proxy in front hands it on.
/// #[derive(Debug)]
/// struct Certificate;
///
/// impl Identify for Certificate {
///     fn identify<'a>(&self, request: &Asked<'a>) -> Option<Cow<'a, str>> {
///         request.header("x-client-dn")?.strip_prefix("CN=").map(Cow::Borrowed)
///     }
/// }
///
/// let user = Certificate.or(FromHeader::new("x-remote-user"));
/// # let _ = user;
/// ```
pub trait Identify: Debug + Send + Sync + 'static {
    /// The user; `None` if the request does not tell, or not believably.
    fn identify<'a>(&self, request: &Asked<'a>) -> Option<Cow<'a, str>>;

    /// Asks another one where this one does not know.
    fn or<O: Identify>(self, other: O) -> Or<Self, O>
    where
        Self: Sized,
    {
        Or::new(self, other)
    }
}
