//! The conformance suite over the store in memory, and what only that one promises.

mod conformance {
    ratekeeper_store::conformance!(ratekeeper_store::MemoryStore::default());
}
