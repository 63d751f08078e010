//! Settings of Envoy's rate limit service.

use std::net::SocketAddr;

use http::HeaderName;
use serde::Deserialize;

use super::parsed;

/// Where it is served beside the other listeners, and what its answers carry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Envoy {
    pub(crate) listen: Vec<SocketAddr>,
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
            shadow_mode: false,
            dynamic_metadata: false,
            response_headers: false,
            limit_header: FieldName("RateLimit-Limit".to_owned()),
            remaining_header: FieldName("RateLimit-Remaining".to_owned()),
            reset_header: FieldName("RateLimit-Reset".to_owned()),
        }
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
