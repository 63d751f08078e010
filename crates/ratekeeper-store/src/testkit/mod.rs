//! The conformance suite: what every [`Store`](crate::Store) is held to, also one of a third party.
//!
//! A store crate runs it with one line of its one integration test binary:
//!
//! ```
//! # use ratekeeper_store::MemoryStore as MyStore;
//! ratekeeper_store::conformance!(MyStore::default());
//! ```
//!
//! which expands to one `#[test]` per case, so that failures have names. The list of cases stands here once, in
//! [`CASES`]; the store's [`Capabilities`](crate::Capabilities) choose among them, and a case that does not apply says
//! so. [`run`] does the same in one call, for stores that are cheaper to start once; [`examine`] returns a [`Report`].
//!
//! Every case uses keys of its own, so that stores may share one server, and one server may live long. Instants are
//! injected where the store lets them be: they lie in the year 2096, stand still while real time goes on, and step
//! back. A store that has its server forget idle counters must keep those that were written at an injected instant for
//! a minute longer than they need. A store that answers [`Later`](crate::Answer::Later) brings what drives its futures:
//! see [`Subject::running`]; without that a thread that parks does.
//!
//! [`Faulty`] is for the tests of what stands around a store, [`Proxy`] for those of a store that talks to a server.
//!
//! # A store of one's own
//! The whole of a store that decides in Rust, over [`unit::decide`](crate::unit::decide):
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::Mutex;
//! use ratekeeper_core::Stored;
//! use ratekeeper_store::unit::{self, Counters};
//! use ratekeeper_store::{
//!     Answer, Batch, Capabilities, Clock, ClockSource, Overflow, Store, StoreError, SystemClock, testkit,
//! };
//!
//! #[derive(Debug, Default)]
//! struct Table {
//!     counters: Mutex<HashMap<Vec<u8>, Stored>>,
//!     clock: SystemClock,
//! }
//!
//! /// The counters of one unit, copied out of the table.
//! struct Copies(Vec<(Stored, bool)>);
//!
//! impl Counters for Copies {
//!     fn state(&mut self, index: usize) -> Option<&mut Stored> {
//!         Some(&mut self.0[index].0)
//!     }
//!     fn wrote(&mut self, index: usize) {
//!         self.0[index].1 = true;
//!     }
//! }
//!
//! impl Table {
//!     fn decide(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
//!         unit::validate(batch)?;
//!         let mut counters = self.counters.lock().unwrap();
//!         let now = batch.now.unwrap_or_else(|| self.clock.now());
//!         for (unit, checks) in batch.each_unit() {
//!             let stored = |key: &[u8]| counters.get(key).cloned();
//!             let copies = checks.iter().map(|check| {
//!                 (stored(check.key.bytes()).unwrap_or_else(|| Stored::absent(check.limit)), false)
//!             });
//!             let mut copies = Copies(copies.collect());
//!             unit::decide(unit, checks, now, &mut copies);
//!             for (check, (stored, written)) in checks.iter().zip(copies.0) {
//!                 if written && stored == Stored::absent(check.limit) {
//!                     counters.remove(check.key.bytes());
//!                 } else if written {
//!                     counters.insert(check.key.bytes().to_vec(), stored);
//!                 }
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! impl Store for Table {
//!     fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
//!         Answer::Ready(self.decide(batch))
//!     }
//!
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities {
//!             name: "table",
//!             atomic_units: true,
//!             exact: true,
//!             survives_restart: false,
//!             survives_failover: false,
//!             clock: ClockSource::Process,
//!             injectable_clock: true,
//!             largest_state: None,
//!             trips: 0,
//!             overflow: Overflow::Unbounded,
//!         }
//!     }
//! }
//!
//! testkit::run(testkit::Subject::new(Table::default()).with_threads(8).with_effort(5));
//! ```

// A suite says by panicking what is wrong, like every test, and computes with numbers that it has chosen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod case;
pub(crate) mod cases;
mod faulty;
mod proxy;
mod random;
mod subject;
mod truth;

pub use case::{CASES, Case, Failure, Need, Outcome, Report, check, examine, run};
pub use faulty::{Fault, Faulty};
pub use proxy::Proxy;
pub use subject::{Subject, block_on};
