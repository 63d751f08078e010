//! What the server runs with: flags before the environment before the file before defaults.

mod envoy;
mod error;
mod layers;
mod span;

use std::net::SocketAddr;
use std::path::PathBuf;

use ratekeeper_http::Dialect;
use serde::Deserialize;

pub(crate) use self::envoy::Envoy;
pub(crate) use self::error::SettingsError;
pub(crate) use self::layers::Layers;
pub(crate) use self::span::Span;
use crate::tokens::TokenHash;

/// Every setting with its default: documentation, and the list of what there is.
pub(crate) const REFERENCE: &str = include_str!("reference.toml");

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) policy: Option<PathBuf>,
    #[serde(deserialize_with = "parsed")]
    pub(crate) dialect: Dialect,
    pub(crate) retry_jitter: Span,
    pub(crate) state_file: Option<PathBuf>,
    pub(crate) threads: Option<usize>,
    #[serde(deserialize_with = "hashes")]
    pub(crate) check_tokens: Vec<TokenHash>,
    #[serde(deserialize_with = "hashes")]
    pub(crate) operator_tokens: Vec<TokenHash>,
    pub(crate) secret: Option<SecretText>,
    pub(crate) tls: Tls,
    pub(crate) proxy_protocol: ProxyProtocol,
    pub(crate) envoy: Envoy,
    pub(crate) redis: Redis,
    pub(crate) refusal: Refusal,
    pub(crate) limits: Limits,
    pub(crate) drain: Drain,
    pub(crate) log: Log,
    pub(crate) traces: Traces,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
            policy: None,
            dialect: Dialect::default(),
            retry_jitter: Span::seconds(0),
            state_file: None,
            threads: None,
            check_tokens: Vec::new(),
            operator_tokens: Vec::new(),
            secret: None,
            tls: Tls::default(),
            proxy_protocol: ProxyProtocol::default(),
            envoy: Envoy::default(),
            redis: Redis::default(),
            refusal: Refusal::default(),
            limits: Limits::default(),
            drain: Drain::default(),
            log: Log::default(),
            traces: Traces::default(),
        }
    }
}

/// Files of TLS.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) client_ca: Option<PathBuf>,
}

/// Listeners behind proxies that speak the PROXY protocol.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProxyProtocol {
    pub(crate) listen: Vec<SocketAddr>,
}

/// Listeners of the Redis protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Redis {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) proxy_protocol_listen: Vec<SocketAddr>,
    pub(crate) idle_timeout: Span,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            proxy_protocol_listen: Vec::new(),
            idle_timeout: Span::seconds(600),
        }
    }
}

/// What refused clients are answered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Refusal {
    pub(crate) content_type: Option<String>,
    pub(crate) body: Option<String>,
}

/// What a client may cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) header_timeout: Span,
    pub(crate) idle_timeout: Span,
    pub(crate) write_timeout: Span,
    pub(crate) header_bytes: usize,
    pub(crate) headers: usize,
    pub(crate) uri_bytes: usize,
    pub(crate) body_bytes: usize,
    pub(crate) body_timeout: Span,
    pub(crate) http2_streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 100_000,
            header_timeout: Span::seconds(10),
            idle_timeout: Span::seconds(60),
            write_timeout: Span::seconds(30),
            header_bytes: 32 << 10,
            headers: 100,
            uri_bytes: 8 << 10,
            body_bytes: 256 << 10,
            body_timeout: Span::seconds(10),
            http2_streams: 200,
        }
    }
}

/// How the server ends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Drain {
    pub(crate) lame_duck: Span,
    pub(crate) timeout: Span,
}

impl Default for Drain {
    fn default() -> Self {
        Self { lame_duck: Span::seconds(1), timeout: Span::seconds(30) }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: String,
    pub(crate) refusals_per_second: u64,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned(), refusals_per_second: 10 }
    }
}

/// Where traces go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Traces {
    pub(crate) endpoint: Option<String>,
    pub(crate) one_in: u32,
}

impl Default for Traces {
    fn default() -> Self {
        Self { endpoint: None, one_in: 1 }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Text that must not be shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct SecretText(pub(crate) String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Settings {
    /// What no single value shows to be wrong.
    ///
    /// # Errors
    /// If settings do not fit together.
    pub(crate) fn checked(self) -> Result<Self, SettingsError> {
        let wrong = |message: &str| Err(SettingsError::Inconsistent(message.to_owned()));
        if self.listen.is_empty() && self.proxy_protocol.listen.is_empty() && self.envoy.listen.is_empty() {
            return wrong("listen: there is no address to listen on; write one such as 127.0.0.1:8080");
        }
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            return wrong("tls: cert and key need each other");
        }
        if self.tls.client_ca.is_some() && self.tls.cert.is_none() {
            return wrong(
                "tls.client_ca: clients can have certificates only where the server has one: set cert and key",
            );
        }
        if self.refusal.content_type.is_some() != self.refusal.body.is_some() {
            return wrong("refusal: content_type and body need each other");
        }
        if self.threads == Some(0) || self.limits.connections == 0 {
            return wrong("threads and limits.connections: at least 1 is needed");
        }
        Ok(self)
    }
}

/// A value that is written as text.
fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn hashes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<TokenHash>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| TokenHash::parse(text).map_err(serde::de::Error::custom))
        .collect()
}

#[cfg(test)]
mod tests;
