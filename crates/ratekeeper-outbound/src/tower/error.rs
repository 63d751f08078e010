//! Why there is no response.

use crate::PaceError;

/// A paced call was not let through, or failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// It was not let through: the service never saw it.
    #[error(transparent)]
    Pace(#[from] PaceError),
    /// The service failed.
    #[error("{0}")]
    Service(#[source] E),
}
