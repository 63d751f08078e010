//! The layer, and what users set on it.

use std::fmt;
use std::sync::Arc;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use tower_layer::Layer;

use super::Paced;
use crate::Pacer;

type KeyOf = dyn Fn(&Parts) -> String + Send + Sync;
type CostOf = dyn Fn(&Parts) -> u64 + Send + Sync;

/// Paces the calls of any HTTP client on Tower: each waits for its turn, and its response is observed.
///
/// Calls are paced by host and port, or by the [`key`](Self::key) of your choice. Nothing is retried: put Tower's retry layer
/// around it, and what it sends again waits as the peer has asked. Clones of a service are paced together.
///
/// ```
/// use ratekeeper_core::{Limit, Micros};
/// use ratekeeper_outbound::{PacedLayer, Pacer};
/// let layer = PacedLayer::new(Pacer::new(Limit::token_bucket(10, Micros::SECOND)?))
///     .key(|request| request.headers.get("authorization").map_or_else(String::new, |key| format!("{key:?}")))
///     .cost(|request| if request.uri.path() == "/search" { 5 } else { 1 });
/// # let _: PacedLayer = layer;
/// # Ok::<_, ratekeeper_core::LimitError>(())
/// ```
#[derive(Clone)]
pub struct PacedLayer {
    pub(super) pacer: Pacer,
    key: Arc<KeyOf>,
    cost: Arc<CostOf>,
}

impl PacedLayer {
    /// A layer over a pacer; clones of one pacer pace together.
    #[must_use]
    pub fn new(pacer: Pacer) -> Self {
        Self { pacer, key: Arc::new(host), cost: Arc::new(|_| 1) }
    }

    /// Paces calls with the same key together, such as those of one account. Keys have at most 250 bytes.
    #[must_use]
    pub fn key(mut self, key: impl Fn(&Parts) -> String + Send + Sync + 'static) -> Self {
        self.key = Arc::new(key);
        self
    }

    /// What calls cost; 1 by default.
    #[must_use]
    pub fn cost(mut self, cost: impl Fn(&Parts) -> u64 + Send + Sync + 'static) -> Self {
        self.cost = Arc::new(cost);
        self
    }

    pub(super) fn turn(&self, parts: &Parts) -> crate::Turn {
        self.pacer.until_ready_for((self.key)(parts)).cost((self.cost)(parts))
    }
}

impl<S> Layer<S> for PacedLayer {
    type Service = Paced<S>;

    fn layer(&self, inner: S) -> Paced<S> {
        Paced::new(inner, self.clone())
    }
}

/// The host and port that a request is for.
fn host(parts: &Parts) -> String {
    let in_header = || parts.headers.get(HOST)?.to_str().ok()?.parse::<Authority>().ok();
    let Some(authority) = parts.uri.authority().cloned().or_else(in_header) else {
        return String::new();
    };
    let usual = match parts.uri.scheme_str() {
        Some("https" | "wss") => 443,
        _ => 80,
    };
    // Whoever logs in is still calling the same host.
    let (host, port) = (authority.host(), authority.port_u16().unwrap_or(usual));
    format!("{host}:{port}").to_ascii_lowercase()
}

impl fmt::Debug for PacedLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacedLayer").field("pacer", &self.pacer).finish_non_exhaustive()
    }
}
