//! The service: decides, then lets the one behind it answer.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpRequest};
use ratekeeper_engine::Current;
use ratekeeper_http::Facts;
use ratekeeper_http::door::{Passed, Stopped};

use crate::Body;
use crate::answer::add;
use crate::config::Config;
use crate::head::ActixHead;

/// A service behind rate limits; made by [`RateLimit`](crate::RateLimit).
pub struct RateLimitService<S> {
    inner: Rc<S>,
    config: Arc<Config>,
}

impl<S> RateLimitService<S> {
    pub(crate) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner: Rc::new(inner), config }
    }
}

impl<S, B> Service<ServiceRequest> for RateLimitService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<Body<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, config) = (Rc::clone(&self.inner), Arc::clone(&self.config));
        Box::pin(async move {
            if config.skip.as_ref().is_some_and(|skip| skip(request.request())) {
                return inner.call(request).await.map(|response| finish(Passed::default(), response));
            }
            let current = config.door.engine.current();
            let (mut passed, facts) = match config.ask(&current, request.request()).await {
                Ok(passed) => passed,
                Err(stopped) => return Ok(config.answer(stopped, request)),
            };
            passed.wait().await;
            let answered = inner.call(request).await;
            if let Some(facts) = facts
                && config.is_charged(&answered)
            {
                passed = config.door.charge(&current, &facts).await;
            }
            answered.map(|response| finish(passed, response))
        })
    }
}

impl Config {
    /// Asks for a request; where its response decides what is charged, with the facts to charge it by.
    async fn ask(
        &self,
        current: &Current,
        request: &HttpRequest,
    ) -> Result<(Passed, Option<Facts<'static>>), Stopped> {
        let head = ActixHead(request);
        let peer = request.peer_addr().map(|address| address.ip());
        let facts = self.door.facts(current, &head, peer, |facts| {
            facts.route = route(request).map(Into::into);
            if let Some(collect) = &self.collect {
                collect(request, facts);
            }
        })?;
        self.door.decide(current, facts, self.charges.is_some()).await
    }

    fn is_charged<B>(&self, answered: &Result<ServiceResponse<B>, Error>) -> bool {
        let Some(charges) = &self.charges else {
            return false;
        };
        match answered {
            Ok(response) => charges(response.response().head()),
            Err(error) => charges(error.error_response().head()),
        }
    }
}

/// The pattern of the route that matches. actix-web routes by the decoded path, and guesses a pattern before by the path as
/// it was sent: an encoded letter would hide a request from the rules of its route.
fn route(request: &HttpRequest) -> Option<String> {
    let path = request.match_info().get_ref().path();
    if path == request.uri().path() {
        request.match_pattern()
    } else {
        request.resource_map().match_pattern(path)
    }
}

fn finish<B>(passed: Passed, mut response: ServiceResponse<B>) -> ServiceResponse<Body<B>> {
    add(passed.told, response.headers_mut());
    response.map_body(|_, body| Body::service(body, passed.held))
}

impl<S> fmt::Debug for RateLimitService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitService").field("config", &self.config).finish_non_exhaustive()
    }
}
