//! Calls to somebody else's service, as fast as your limits allow and the service asks for.
//!
//! A [`Pacer`] lets calls wait in line, and learns from each response what the service says of its own limits:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! use ratekeeper::outbound::{Pacer, PacerConfig};
//! use ratekeeper::{Limit, Micros};
//! # async fn call() -> http::Response<()> { http::Response::new(()) }
//!
//! let limits = [Limit::token_bucket(10, Micros::SECOND)?, Limit::sliding_window(1000, Micros::HOUR)?];
//! let pacer = Pacer::with(limits, PacerConfig::default());
//! let mut permit = pacer.until_ready_for("api.example.com").await?;
//! let response = call().await;
//! permit.observe(response.status(), response.headers());
//! # Ok::<_, Box<dyn std::error::Error>>(()) })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! [`PacedLayer`] does all of that around any HTTP client on Tower. [`Told::read`] is the reading alone.

pub use ratekeeper_outbound::{
    CallError, PaceError, Paced, PacedBody, PacedLayer, Pacer, PacerConfig, Permit, Quota, ResponseFuture,
    Told, Turn, Unit,
};
