//! The paths, by what is asked.

mod engine;
mod limiter;
mod resp;
mod store;
mod tower;

use crate::case::Case;

/// All paths that are counted.
pub(crate) fn all() -> Vec<Case> {
    [
        limiter::cases(),
        store::cases(),
        engine::cases(),
        tower::cases(),
        resp::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
