//! The Tower layer around clients.

mod body;
mod error;
mod layer;
mod service;

pub use body::PacedBody;
pub use error::CallError;
pub use layer::PacedLayer;
pub use service::{Paced, ResponseFuture};
