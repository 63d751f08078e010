//! Rate limits over HTTP: who is asking ([`client`]), what the client is told ([`Dialect`], [`Problem`]), and a Tower layer
//! ([`RateLimitLayer`]) that does both. Internal to ratekeeper: use the `ratekeeper` crate.

mod dialect;
mod facts;
mod host;
mod identity;
mod layer;
mod peer;
mod problem;

pub use dialect::{
    Dialect, Fields, TextFields, UnknownDialect, draw_jitter, fields, retry_after, text_fields,
};
pub use facts::{BorrowedFacts, Facts};
pub use host::{AmbiguousHost, host, path};
pub use identity::{Client, Degradation, client, is_trusted};
pub use layer::{Body, RateLimit, RateLimitLayer, Refused, ResponseFuture};
pub use peer::Peer;
pub use problem::{PROBLEM_JSON, Problem};
