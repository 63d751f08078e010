//! How a store answers: at once, or later.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::StoreError;

/// The future of a store that has to ask somebody.
pub type BoxFuture<'a, T = Result<(), StoreError>> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The answer to a batch, whose verdicts stand in the batch itself.
///
/// One method serves synchronous and asynchronous callers: a store in memory answers [`Answer::Ready`] and allocates
/// nothing.
#[must_use = "an answer may be an error, and a later one does nothing until awaited"]
pub enum Answer<'a> {
    /// Decided.
    Ready(Result<(), StoreError>),
    /// Decided once awaited.
    Later(BoxFuture<'a>),
}

impl Answer<'_> {
    /// The answer if it is there already.
    #[must_use]
    pub fn ready(self) -> Option<Result<(), StoreError>> {
        match self {
            Self::Ready(answer) => Some(answer),
            Self::Later(_) => None,
        }
    }

    /// The answer, awaited if need be.
    ///
    /// # Errors
    /// The store's.
    pub async fn wait(self) -> Result<(), StoreError> {
        match self {
            Self::Ready(answer) => answer,
            Self::Later(future) => future.await,
        }
    }
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(answer) => f.debug_tuple("Ready").field(answer).finish(),
            Self::Later(_) => f.write_str("Later(…)"),
        }
    }
}
