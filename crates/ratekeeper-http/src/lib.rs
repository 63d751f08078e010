//! Rate limits over HTTP: who is asking ([`client`], [`Identify`]), what the client is told ([`Dialect`], [`Problem`]), what
//! stands before a service in whichever framework ([`door`]), and a Tower layer of it ([`RateLimitLayer`]). Internal to
//! ratekeeper: use the `ratekeeper` crate, or `ratekeeper-actix`.

mod dialect;
pub mod door;
mod facts;
mod head;
mod host;
mod identity;
mod layer;
mod peer;
mod problem;
mod user;

pub use dialect::{
    Dialect, Fields, TextFields, UnknownDialect, draw_jitter, fields, retry_after, text_fields,
};
pub use door::Refused;
pub use facts::{BorrowedFacts, Facts};
pub use head::{Head, Headers, Lines};
pub use host::AmbiguousHost;
pub use identity::{Client, Degradation, client, is_trusted};
pub use layer::{Body, RateLimit, RateLimitLayer, ResponseFuture};
pub use peer::Peer;
pub use problem::{PROBLEM_JSON, Problem};
pub use user::{ApiKey, Asked, FromHeader, Identify, Or};
#[cfg(feature = "jwt")]
pub use user::{JwtKeyError, JwtKeys, JwtSubject};
