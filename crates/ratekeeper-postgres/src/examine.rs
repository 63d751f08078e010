//! A look at the server.

use ratekeeper_store::{Examination, StoreError};

use crate::server::Server;

/// Looks.
pub(crate) async fn examine(_server: &Server) -> Result<Examination, StoreError> {
    Ok(Examination::default())
}
