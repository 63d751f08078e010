//! The Tower layer: every request is decided before the service behind it sees it.

mod body;
mod config;
mod future;
mod origin;
mod service;

pub use body::Body;
pub use config::RateLimitLayer;
pub use future::ResponseFuture;
pub use service::RateLimit;
