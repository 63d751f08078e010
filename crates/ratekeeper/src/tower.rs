//! A Tower layer: rate limits by policy in front of any HTTP service.
//!
//! With axum (feature `axum`), where the layer is told of the peer and of the route that matched:
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::get};
//! use ratekeeper::engine::{Engine, Policy};
//! use ratekeeper::tower::RateLimitLayer;
//! let policy = Policy::parse("rules: [{ name: api, key: [ip], limits: [100 per minute] }]", "policy.yaml", &|_| None)?;
//! let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(RateLimitLayer::new(Engine::new(policy)?));
//! let service = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
//! # let _ = service; }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! With tonic (feature `tonic`) it goes into `Server::builder().layer(…)`; in front of anything else, put a [`Peer`] into
//! the extensions of requests.
//!
//! Who the user is, for rules that count by `user`, an [`Identify`] tells: [`ApiKey`], [`FromHeader`], with the feature `jwt`
//! `JwtSubject`, or one of your own.

pub use ratekeeper_http::{
    ApiKey, Asked, Body, Client, Degradation, Dialect, Facts, FromHeader, Identify, Or, Peer, Problem,
    RateLimit, RateLimitLayer, Refused, ResponseFuture,
};
#[cfg(feature = "jwt")]
pub use ratekeeper_http::{JwtKeyError, JwtKeys, JwtSubject};
