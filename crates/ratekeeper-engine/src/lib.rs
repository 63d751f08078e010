//! The only join of policy and stores: attributes in, one outcome out. Internal to ratekeeper; use the facade.
//!
//! [`Engine::check`] matches a request against the policy in force, makes the limits of all matching rules one unit per
//! store, and turns the verdicts into an [`Outcome`]. What happens when a store fails is decided here, rule by rule.

mod abandoned;
mod alone;
mod asking;
mod builder;
mod current;
mod decide;
mod dump;
mod engine;
mod error;
mod failure;
mod operate;
mod outcome;
mod part;
mod plan;
mod receipt;
mod request;
mod reservation;
mod secret;
mod snapshot;
mod tally;
mod wire;

pub use builder::{Connect, EngineBuilder};
pub use current::Current;
pub use dump::RestoreError;
pub use engine::Engine;
pub use error::EngineError;
pub use operate::{Operation, SubjectCounters};
pub use outcome::{Decision, Degraded, Denial, LimitOutcome, Outcome};
pub use part::{By, Part};
pub use request::{Request, RequestOp};
pub use reservation::{Reservation, Settlement};
pub use secret::Secret;
