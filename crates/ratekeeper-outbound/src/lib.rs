//! Pacing of calls to others: a [`Pacer`] lets calls go as fast as limits allow and the peer asks for, [`Told`] reads what a
//! peer's response says of its limits, [`PacedLayer`] does both around an HTTP client. Internal to ratekeeper: use the
//! module `outbound` of the `ratekeeper` crate.

mod config;
mod counters;
mod error;
mod keys;
mod lane;
mod line;
mod pacer;
mod peer;
mod permit;
mod settings;
mod time;
mod told;
mod tower;
mod turn;

pub use config::PacerConfig;
pub use error::PaceError;
pub use pacer::Pacer;
pub use permit::Permit;
pub use told::{Quota, Told, Unit};
pub use tower::{CallError, Paced, PacedBody, PacedLayer, ResponseFuture};
pub use turn::Turn;
