//! Rate limiting as exact integer arithmetic: no I/O, no async, no clock of its own.
//!
//! A [`Limit`] says how much per how long by which [`Algorithm`]; a [`Stored`] state is what a store keeps of one
//! counter; [`step()`] answers one question ([`Ask`]) at an instant that the caller gives, with a [`Verdict`]. All
//! numbers are integers, exact to the microsecond; the reference in the book defines each of them.
//!
//! # Where things are
//! An algorithm is one file in `algorithm/` and a line in its registry, over one of the three kernels of `kernel/`
//! (GCRA, windows, entries). `step` is the one layer of operations over all kernels. The plain reference models that
//! the tests compare with are in the feature `model`.

mod algorithm;
pub mod alone;
mod ask;
mod calendar;
mod kernel;
mod key;
mod limit;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod state;
pub mod step;
mod time;
mod token;
mod verdict;

pub use algorithm::Algorithm;
pub use ask::{Ask, Op};
pub use calendar::{Calendar, Period};
pub use kernel::entries::{Entries, Entry, MAX_ENTRIES};
pub use kernel::gcra::Gcra;
pub use kernel::window::Window;
pub use key::{Key, KeyError, MAX_KEY};
pub use limit::{Limit, LimitError, MAX_COUNT, MAX_LOG, MAX_SPAN, Tag};
pub use state::{State, Stored};
pub use step::{Evaluation, StepError, step};
pub use time::{MAX_EXACT, Micros, Timestamp};
pub use token::{Holder, Token};
pub use verdict::Verdict;
