//! ratekeeper

mod limiter;

pub use limiter::{CheckError, Limiter};
pub use ratekeeper_core::*;
pub use ratekeeper_store::*;
