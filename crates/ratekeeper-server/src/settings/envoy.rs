//! Settings of Envoy's rate limit service.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::SecretText;

/// Where it is served beside the other listeners, and whose configuration it has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Envoy {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) merge_domains: bool,
    pub(crate) quota_mode: bool,
    pub(crate) store: Option<SecretText>,
}

impl Envoy {
    /// Whoever serves that configuration is asked by Envoy, where the service it is of would be.
    pub(super) fn with_its_address(mut self) -> Self {
        if self.config.is_some() && self.listen.is_empty() {
            self.listen.push(SocketAddr::from(([127, 0, 0, 1], 8081)));
        }
        self
    }
}
