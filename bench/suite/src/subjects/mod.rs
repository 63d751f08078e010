//! The subjects: floors, ratekeeper, and its peers, each used as its documentation says.

pub mod floors;
pub mod governor;
pub mod limitador;
pub mod ratekeeper;
pub mod throttlecrab;
