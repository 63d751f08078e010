//! The trait that every store implements, and what users call.

use std::fmt;
use std::sync::Arc;

use ratekeeper_core::{Ask, Key, Limit, Op, Verdict};

use crate::{Answer, Batch, BoxFuture, Capabilities, Examination, MemoryStore, StoreError};

/// Where counters live.
///
/// A store applies the units of a batch in order, each all-or-nothing: it evaluates every check of the unit, decides,
/// writes, and leaves a verdict in every check. A refused unit writes nothing. It decides at `Batch::now`, or at one
/// reading of its own clock. Keys are opaque bytes: a store that cannot hold some byte escapes it so that different
/// keys stay different.
///
/// [`ratekeeper_core::step()`] is the truth: the conformance suite (feature `testkit`) compares every store with it.
pub trait Store: fmt::Debug + Send + Sync {
    /// Decides every unit of `batch`, and writes the verdicts into it.
    ///
    /// After an error the verdicts mean nothing, and units may or may not have been written. A store over several servers
    /// may also decide some units only, and say of the others in [`Unit::error`](crate::Unit::error) why not.
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a>;

    /// What this store can promise.
    fn capabilities(&self) -> Capabilities;

    /// Among which calls a unit with this first key waits its turn, where concurrent calls are put together in batches:
    /// keys that different servers answer for, or that decide faster side by side, are in different lanes.
    fn lane(&self, _key: Key<'_>) -> u64 {
        0
    }

    /// Looks at the server behind it: what it is, what time it has, and what is wrong with it.
    fn examine(&self) -> BoxFuture<'_, Result<Examination, StoreError>> {
        Box::pin(async { Ok(Examination::default()) })
    }

    /// The memory store that this is, or that stands behind it: for statistics, and to keep it over a restart.
    fn memory(&self) -> Option<&MemoryStore> {
        None
    }
}

/// What a store around a store passes on: everything but the batches.
macro_rules! pass_on {
    ($self:ident => $inner:expr) => {
        fn capabilities(&$self) -> $crate::Capabilities {
            ($inner).capabilities()
        }

        fn lane(&$self, key: Key<'_>) -> u64 {
            ($inner).lane(key)
        }

        fn examine(&$self) -> $crate::BoxFuture<'_, Result<$crate::Examination, StoreError>> {
            ($inner).examine()
        }

        fn memory(&$self) -> Option<&$crate::MemoryStore> {
            ($inner).memory()
        }
    };
}
#[cfg(any(feature = "remote", feature = "testkit"))]
pub(crate) use pass_on;

impl<S: Store + ?Sized> Store for Arc<S> {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        (**self).apply(batch)
    }

    pass_on!(self => **self);
}

/// What users of a single counter call; implemented for every [`Store`].
pub trait StoreExt: Store {
    /// Asks one counter. A take from a concurrency limit needs a holder of the request's own: [`Ask::by`].
    fn ask(
        &self,
        key: Key<'_>,
        limit: &Limit,
        ask: &Ask,
    ) -> impl Future<Output = Result<Verdict, StoreError>> + Send {
        async move {
            let mut batch = Batch::single(key, limit, ask);
            self.apply(&mut batch).wait().await?;
            batch.checks(0)[0].verdict.ok_or_else(StoreError::no_verdict)
        }
    }

    /// Takes `cost` or nothing; for limits of all algorithms but concurrency, whose takes need a holder.
    fn take(
        &self,
        key: Key<'_>,
        limit: &Limit,
        cost: u64,
    ) -> impl Future<Output = Result<Verdict, StoreError>> + Send {
        async move { self.ask(key, limit, &Ask::new(Op::Take, cost)).await }
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
