//! Properties, traps and boundaries of every algorithm, against the plain reference models.
//!
//! `PROPTEST_CASES` scales the number of random cases; failures are kept in `tests/proptest-regressions`.

#![allow(clippy::unwrap_used)]

mod any;
mod boundaries;
mod calendars;
mod differential;
mod envelopes;
mod laws;
mod panics;
mod refunds;
mod reload;
mod traps;
mod waiting;
