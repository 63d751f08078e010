//! The middleware, and what users set on it.

use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ResponseHead, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error, HttpRequest, HttpResponse, HttpResponseBuilder};
use ratekeeper_engine::Engine;
use ratekeeper_http::door::{Door, Refused};
use ratekeeper_http::{Dialect, Facts, Identify};

use crate::{Body, RateLimitService};

type Collect = dyn for<'a> Fn(&'a HttpRequest, &mut Facts<'a>) + Send + Sync;
type Skip = dyn Fn(&HttpRequest) -> bool + Send + Sync;
type Charges = dyn Fn(&ResponseHead) -> bool + Send + Sync;
type Refuse = dyn Fn(&Refused, HttpResponseBuilder) -> HttpResponse + Send + Sync;

const NO_PEER: &str = "The server does not tell the rate limiter who is asking. Listen on TCP, or use \
    allow_unknown_peer().";

/// Puts rate limits by policy in front of an actix-web application, a scope or a resource.
///
/// Who is asking is told by the policy's `client_ip`, what the client is told by [`dialect`](Self::dialect). Refusals
/// are `application/problem+json`. Slots of concurrency limits are released when the response body has been sent or is
/// dropped; what a queue delays waits here. Make one, and clone it into the application of each worker: clones count
/// together.
///
/// ```
/// use actix_web::{App, HttpMessage as _, web};
/// use ratekeeper_actix::RateLimit;
/// use ratekeeper_actix::engine::{Engine, Policy};
/// let source = "rules: [{ name: per-user, key: [user], limits: [100 per minute] }]";
/// let engine = Engine::new(Policy::parse(source, "policy.yaml", &|_| None)?)?;
/// let limits = RateLimit::new(engine)
///     .attributes(|request, facts| facts.user = request.extensions().get::<String>().cloned().map(Into::into))
///     .skip(|request| request.path() == "/healthz");
/// let app = move || App::new().wrap(limits.clone()).route("/", web::get().to(async || "hello"));
/// # let _ = app;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RateLimit {
    config: Arc<Config>,
}

/// What a service needs to know; shared by all clones.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) door: Door,
    pub(crate) collect: Option<Arc<Collect>>,
    pub(crate) skip: Option<Arc<Skip>>,
    pub(crate) charges: Option<Arc<Charges>>,
    pub(crate) refuse: Option<Arc<Refuse>>,
}

impl RateLimit {
    /// A middleware over an engine; share one engine among those that count together, and keep an `Arc` of it to swap its
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
    /// # use ratekeeper_actix::{ApiKey, FromHeader, Identify, RateLimit};
    /// # fn example(limits: RateLimit) -> RateLimit {
    /// limits.user(FromHeader::new("x-remote-user").or(ApiKey::header("x-api-key")))
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
        collect: impl for<'a> Fn(&'a HttpRequest, &mut Facts<'a>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.collect = Some(Arc::new(collect)))
    }

    /// Lets requests pass uncounted.
    #[must_use]
    pub fn skip(self, skip: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.skip = Some(Arc::new(skip)))
    }

    /// Counts by the response: a request passes while there is something left, and is charged only if its response is
    /// one to charge, such as that of a failed log-in; the error of a middleware further in counts as the response that it
    /// becomes. Requests that run at the same time may all pass before the first is charged; what they cost beyond the limit
    /// is owed. Concurrency limits hold nothing then.
    ///
    /// ```
    /// # use actix_web::http::StatusCode;
    /// # use ratekeeper_actix::RateLimit;
    /// # fn example(limits: RateLimit) -> RateLimit {
    /// limits.charge_when(|response| response.status == StatusCode::UNAUTHORIZED)
    /// # }
    /// ```
    #[must_use]
    pub fn charge_when(self, charges: impl Fn(&ResponseHead) -> bool + Send + Sync + 'static) -> Self {
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

    /// Answers refused requests in a way of one's own, beginning with the status that fits; `Retry-After` and the fields of
    /// the dialect are added to it.
    ///
    /// ```
    /// # use ratekeeper_actix::RateLimit;
    /// # fn example(limits: RateLimit) -> RateLimit {
    /// limits.refusal(|refused, mut response| {
    ///     let seconds = refused.retry_after().unwrap_or(0);
    ///     response.content_type("text/html").body(format!("<h1>Slow down</h1> for {seconds} s"))
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn refusal(
        self,
        refuse: impl Fn(&Refused, HttpResponseBuilder) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
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

impl<S, B> Transform<S, ServiceRequest> for RateLimit
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<Body<B>>;
    type Error = Error;
    type Transform = RateLimitService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(RateLimitService::new(service, Arc::clone(&self.config))))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("door", &self.door).finish_non_exhaustive()
    }
}
