//! Rate limits by policy as a middleware of actix-web: [`RateLimit`].
//!
//! It is the same front door as ratekeeper's Tower layer: the same policies, headers and refusals, and it counts together with
//! every other front door on the same store. [`engine`] has what policies are made of; stores over a network come from the
//! `ratekeeper` crate.

mod answer;
mod body;
mod config;
mod head;
mod service;

pub use body::Body;
pub use config::RateLimit;
pub use ratekeeper_http::{ApiKey, Asked, Dialect, Facts, FromHeader, Identify, Or, Problem, Refused};
#[cfg(feature = "jwt")]
pub use ratekeeper_http::{JwtKeyError, JwtKeys, JwtSubject};
pub use service::RateLimitService;

/// The engine, and the policies that it runs.
pub mod engine {
    pub use ratekeeper_engine::{Engine, EngineBuilder, EngineError, Outcome};
    pub use ratekeeper_policy::{Policy, PolicyErrors};
}
