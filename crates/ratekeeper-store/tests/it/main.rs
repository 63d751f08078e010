//! The conformance suite over the store in memory and over others, and what only the store in memory promises.

// Not only in functions that are tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod allocations;
mod bounds;
mod breaker;
mod bucket_model;
mod clocks;
mod coalesce;
mod deadline;
mod deny_cache;
mod faults;
mod overflow;
mod parts;
mod proxy;
mod remote;
mod table;
mod teeth;
mod wrappers;

mod memory {
    ratekeeper_store::conformance!(ratekeeper_store::MemoryStore::default());
}

/// A store of a third party, which needs nothing but this crate.
mod third_party {
    ratekeeper_store::conformance!(crate::table::Table::default());
}

/// A store that answers later, on a thread of its own.
mod later {
    use ratekeeper_store::testkit::Subject;

    ratekeeper_store::conformance!(Subject::new(crate::table::Later::default()).with_effort(20));
}
