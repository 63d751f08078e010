//! The layer, and what users set on it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, response};
use ratekeeper_engine::{Current, Engine};
use tower_layer::Layer;

use super::{Body, RateLimit, origin};
use crate::door::{Door, Refused, Stopped, is_call};
use crate::{Dialect, Facts, Identify};

pub(super) type Collect = dyn for<'a> Fn(&'a Parts, &mut Facts<'a>) + Send + Sync;
pub(super) type Skip = dyn Fn(&Parts) -> bool + Send + Sync;
pub(super) type Charges = dyn Fn(&response::Parts) -> bool + Send + Sync;
pub(super) type Refuse = dyn Fn(&Refused) -> Response<Bytes> + Send + Sync;

const NO_PEER: &str = "The server does not tell the rate limiter who is asking. In axum, serve with \
    into_make_service_with_connect_info::<SocketAddr>() and the feature `axum`; elsewhere put a ratekeeper Peer into the \
    extensions of requests, or use allow_unknown_peer().";

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
    pub(super) door: Door,
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
        let door = Door::new(engine.into(), NO_PEER);
        let config = Config { door, collect: None, skip: None, charges: None, refuse: None };
        Self { config: Arc::new(config) }
    }

    /// Tells who the user is: by a signed token, an API key, a header, or in a way of your own.
    ///
    /// ```
    /// # use ratekeeper_http::{ApiKey, FromHeader, Identify, RateLimitLayer};
    /// # fn example(layer: RateLimitLayer) -> RateLimitLayer {
    /// layer.user(FromHeader::new("x-remote-user").or(ApiKey::header("x-api-key")))
    /// # }
    /// ```
    #[must_use]
    pub fn user(self, user: impl Identify) -> Self {
        self.with(|config| config.door.user = Some(Arc::new(user)))
    }

    /// Adds what the policy's rules need beyond address, user, method, path, route, host and headers: descriptors, the
    /// cost; or corrects what was found.
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
        self.with(|config| config.door.dialect = dialect)
    }

    /// Adds a random part, up to this long, to `Retry-After`, so that those who were refused together do not come back
    /// together.
    #[must_use]
    pub fn retry_jitter(self, most: Duration) -> Self {
        self.with(|config| config.door.jitter = most)
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
    pub fn refusal(self, refuse: impl Fn(&Refused) -> Response<Bytes> + Send + Sync + 'static) -> Self {
        self.with(|config| config.refuse = Some(Arc::new(refuse)))
    }

    /// Decides requests without a known peer too, such as those from a Unix socket. Otherwise they are answered with 500
    /// and a hint: a limiter by address that knows no address would limit nobody.
    #[must_use]
    pub fn allow_unknown_peer(self) -> Self {
        self.with(|config| config.door.peerless = true)
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

impl Config {
    /// What is known of a request.
    pub(super) fn facts<'a>(&self, current: &Current, parts: &'a Parts) -> Result<Facts<'a>, Stopped> {
        self.door.facts(current, parts, origin::peer(&parts.extensions), |facts| {
            facts.route = origin::route(&parts.extensions).map(Into::into);
            if let Some(collect) = &self.collect {
                collect(parts, facts);
            }
        })
    }

    /// The answer to a request that does not pass.
    pub(super) fn answer<B>(&self, stopped: Stopped, parts: &Parts) -> Response<Body<B>> {
        let mut response = match (&self.refuse, stopped.refused()) {
            (Some(refuse), Some(refused)) => refuse(refused),
            _ => stopped.answer(is_call(parts)),
        };
        stopped.into_told().add_to(response.headers_mut());
        response.map(Body::refusal)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("door", &self.door).finish_non_exhaustive()
    }
}
