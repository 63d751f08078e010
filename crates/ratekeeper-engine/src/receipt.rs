//! What a request took, so that it can be given back.

use ratekeeper_core::{Limit, Token};

/// Which store holds a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The store with this name in the policy.
    Named(String),
    /// The limiter of this process, while that store failed.
    Local,
}

/// One counter that was debited.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) place: Place,
    pub(crate) key: Vec<u8>,
    pub(crate) scope: usize,
    pub(crate) limit: Limit,
    pub(crate) token: Token,
    /// What one unit of the request costs under this limit.
    pub(crate) factor: u64,
    /// Whether a full store counted the key together with others.
    pub(crate) shared: bool,
}

/// Everything that one request debited, and for how many units.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receipt {
    pub(crate) units: u64,
    pub(crate) taken: Vec<Taken>,
}
