//! Rate limits over HTTP: who is asking, what the client is told, a Tower layer. Internal to ratekeeper: use the
//! `ratekeeper` crate.

mod peer;

pub use peer::Peer;
