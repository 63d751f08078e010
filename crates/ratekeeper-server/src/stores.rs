//! The stores that a policy may name: one line each.

use std::sync::Arc;

use ratekeeper_policy::{Secret, StoreConfig};
use ratekeeper_store::{MemoryStore, Store, StoreError};

/// The store itself, which is not asked anything yet.
///
/// # Errors
/// If its url is wrong.
pub(crate) fn bare(config: &StoreConfig) -> Result<Arc<dyn Store>, StoreError> {
    let _url = config.url.as_ref().map_or("", Secret::reveal);
    Ok(match config.kind {
        _ => Arc::new(MemoryStore::default()),
    })
}
