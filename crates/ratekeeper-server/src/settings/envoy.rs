//! Settings of Envoy's rate limit service.

use std::net::SocketAddr;
use std::path::PathBuf;

use http::HeaderName;
use serde::Deserialize;

use super::{SecretText, parsed};

/// Where it is served beside the other listeners, whose configuration it has, and what its answers carry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Envoy {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) merge_domains: bool,
    pub(crate) quota_mode: bool,
    pub(crate) store: Option<SecretText>,
    pub(crate) shadow_mode: bool,
    pub(crate) dynamic_metadata: bool,
    pub(crate) response_headers: bool,
    #[serde(deserialize_with = "parsed")]
    pub(crate) limit_header: FieldName,
    #[serde(deserialize_with = "parsed")]
    pub(crate) remaining_header: FieldName,
    #[serde(deserialize_with = "parsed")]
    pub(crate) reset_header: FieldName,
}

impl Default for Envoy {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            config: None,
            merge_domains: false,
            quota_mode: false,
            store: None,
            shadow_mode: false,
            dynamic_metadata: false,
            response_headers: false,
            limit_header: FieldName("RateLimit-Limit".to_owned()),
            remaining_header: FieldName("RateLimit-Remaining".to_owned()),
            reset_header: FieldName("RateLimit-Reset".to_owned()),
        }
    }
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

/// The name of a header, as it is written.
#[derive(Clone, Debug)]
pub(crate) struct FieldName(pub(crate) String);

impl std::str::FromStr for FieldName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match HeaderName::try_from(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(format!("{text:?} is no name of a header; write one such as X-RateLimit-Limit")),
        }
    }
}
