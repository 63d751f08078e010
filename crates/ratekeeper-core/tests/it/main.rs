//! Properties, traps and boundaries of every algorithm, against the plain reference models.

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
