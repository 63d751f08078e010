//! The Tower layer: every request is decided before the service behind it sees it.

mod answer;
mod body;
mod config;
mod future;
mod grpc;
mod held;
mod origin;
mod service;

pub use answer::Refused;
pub use body::Body;
pub use config::RateLimitLayer;
pub use future::ResponseFuture;
pub use service::RateLimit;
