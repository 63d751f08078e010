//! The layer, and what users set on it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::response;
use ratekeeper_engine::Engine;
use tower_layer::Layer;

use super::{RateLimit, Refused};
use crate::{Dialect, Facts};

pub(super) type Collect = dyn for<'a> Fn(&'a Parts, &mut Facts<'a>) + Send + Sync;
pub(super) type Skip = dyn Fn(&Parts) -> bool + Send + Sync;
pub(super) type Charges = dyn Fn(&response::Parts) -> bool + Send + Sync;
pub(super) type Refuse = dyn Fn(&Refused<'_>) -> http::Response<Bytes> + Send + Sync;

/// Puts rate limits by policy in front of any HTTP service: axum, tonic, hyper, or any other on Tower.
///
/// Who is asking is told by the policy's `client_ip`, what the client is told by [`dialect`](Self::dialect). Refusals
/// are `application/problem+json`, to gRPC clients a status. Slots of concurrency limits are released when the response
/// body has been sent or is dropped; what a queue delays waits here.
///
/// ```
/// use ratekeeper_engine::Engine;
/// use ratekeeper_http::RateLimitLayer;
/// use ratekeeper_policy::Policy;
/// let source = "rules: [{ name: per-user, key: [user], limits: [100 per minute] }]";
/// let engine = Engine::new(Policy::parse(source, "policy.yaml", &|_| None)?)?;
/// let layer = RateLimitLayer::new(engine)
///     .attributes(|request, facts| facts.user = request.extensions.get::<String>().map(|user| user.as_str().into()))
///     .skip(|request| request.uri.path() == "/healthz");
/// # let _: RateLimitLayer = layer;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RateLimitLayer {
    config: Arc<Config>,
}

/// What a service needs to know; shared by all of its clones.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) engine: Arc<Engine>,
    pub(super) dialect: Dialect,
    pub(super) jitter: Duration,
    pub(super) peerless: bool,
    pub(super) collect: Option<Arc<Collect>>,
    pub(super) skip: Option<Arc<Skip>>,
    pub(super) charges: Option<Arc<Charges>>,
    pub(super) refuse: Option<Arc<Refuse>>,
}

impl RateLimitLayer {
    /// A layer over an engine; share one engine among layers that count together, and keep an `Arc` of it to swap its
    /// policy.
    #[must_use]
    pub fn new(engine: impl Into<Arc<Engine>>) -> Self {
        let config = Config {
            engine: engine.into(),
            dialect: Dialect::default(),
            jitter: Duration::ZERO,
            peerless: false,
            collect: None,
            skip: None,
            charges: None,
            refuse: None,
        };
        Self { config: Arc::new(config) }
    }

    /// Adds what the policy's rules need beyond address, method, path, host and headers: the user, descriptors, the
    /// route, the cost; or corrects what was found.
    #[must_use]
    pub fn attributes(
        self,
        collect: impl for<'a> Fn(&'a Parts, &mut Facts<'a>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.collect = Some(Arc::new(collect)))
    }

    /// Lets requests pass uncounted.
    #[must_use]
    pub fn skip(self, skip: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.skip = Some(Arc::new(skip)))
    }

    /// Counts by the response: a request passes while there is something left, and is charged only if its response is
    /// one to charge, such as that of a failed log-in. Requests that run at the same time may all pass before the first
    /// is charged; what they cost beyond the limit is owed. Concurrency limits hold nothing in such a layer.
    ///
    /// ```
    /// # use ratekeeper_http::RateLimitLayer;
    /// # fn example(layer: RateLimitLayer) -> RateLimitLayer {
    /// layer.charge_when(|response| response.status == http::StatusCode::UNAUTHORIZED)
    /// # }
    /// ```
    #[must_use]
    pub fn charge_when(self, charges: impl Fn(&response::Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.charges = Some(Arc::new(charges)))
    }

    /// How limits are told to clients; by default draft-11 of the IETF's RateLimit fields.
    #[must_use]
    pub fn dialect(self, dialect: Dialect) -> Self {
        self.with(|config| config.dialect = dialect)
    }

    /// Adds a random part, up to this long, to `Retry-After`, so that those who were refused together do not come back
    /// together.
    #[must_use]
    pub fn retry_jitter(self, most: Duration) -> Self {
        self.with(|config| config.jitter = most)
    }

    /// Answers refused requests in a way of one's own; `Retry-After` and the fields of the dialect are added to it.
    ///
    /// ```
    /// # use ratekeeper_http::RateLimitLayer;
    /// # fn example(layer: RateLimitLayer) -> RateLimitLayer {
    /// layer.refusal(|refused| {
    ///     let mut response = http::Response::new("<h1>Slow down</h1>".into());
    ///     *response.status_mut() = refused.status();
    ///     response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/html"));
    ///     response
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn refusal(
        self,
        refuse: impl Fn(&Refused<'_>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.refuse = Some(Arc::new(refuse)))
    }

    /// Decides requests without a known peer too, such as those from a Unix socket. Otherwise they are answered with 500
    /// and a hint: a limiter by address that knows no address would limit nobody.
    #[must_use]
    pub fn allow_unknown_peer(self) -> Self {
        self.with(|config| config.peerless = true)
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit::new(inner, Arc::clone(&self.config))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("engine", &self.engine)
            .field("dialect", &self.dialect)
            .field("jitter", &self.jitter)
            .finish_non_exhaustive()
    }
}
