//! What is wrong with the servers.

use ratekeeper_store::{Examination, StoreError};

use crate::RedisStore;

pub(crate) async fn examine(_store: &RedisStore) -> Result<Examination, StoreError> {
    Ok(Examination::default())
}
