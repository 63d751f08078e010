//! The service: decides, then lets the one behind it answer.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use ratekeeper_engine::Current;
use tower_service::Service;

use super::Body;
use super::config::Config;
use super::future::{ResponseFuture, finish};
use crate::door::Passed;

/// A service behind rate limits; made by [`RateLimitLayer`](super::RateLimitLayer).
#[derive(Clone, Debug)]
pub struct RateLimit<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> RateLimit<S> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }
}

impl<S, B, R> Service<Request<B>> for RateLimit<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Body<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        if self.config.skip.as_ref().is_some_and(|skip| skip(&parts)) {
            let service = self.inner.call(Request::from_parts(parts, body));
            return ResponseFuture::running(service, Passed::default());
        }
        let current = self.config.door.engine.current();
        if !current.answers_at_once() || self.config.charges.is_some() {
            return self.call_later(current, parts, body);
        }
        let facts = self.config.facts(&current, &parts);
        let passed = match facts.and_then(|facts| self.config.door.decide_now(&current, &facts)) {
            Ok(passed) => passed,
            Err(stopped) => return ResponseFuture::done(self.config.answer(stopped, &parts)),
        };
        let request = Request::from_parts(parts, body);
        if passed.delay.is_none() {
            return ResponseFuture::running(self.inner.call(request), passed);
        }
        let mut inner = self.ready_inner();
        ResponseFuture::later(async move {
            passed.wait().await;
            inner.call(request).await.map(|response| finish(passed, response))
        })
    }
}

impl<S> RateLimit<S> {
    /// The service that was polled ready; a clone takes its place.
    fn ready_inner(&mut self) -> S
    where
        S: Clone,
    {
        let clone = self.inner.clone();
        std::mem::replace(&mut self.inner, clone)
    }

    /// Decides where a store has to be asked, or where the response decides what is charged.
    fn call_later<B, R>(
        &mut self,
        current: Current,
        parts: Parts,
        body: B,
    ) -> ResponseFuture<S::Future, R, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Send,
        B: Send + 'static,
        R: http_body::Body<Data = Bytes> + Send + 'static,
    {
        let (mut inner, config) = (self.ready_inner(), Arc::clone(&self.config));
        ResponseFuture::later(async move {
            let decided = match config.facts(&current, &parts) {
                Ok(facts) => config.door.decide(&current, facts, config.charges.is_some()).await,
                Err(stopped) => Err(stopped),
            };
            let (mut passed, facts) = match decided {
                Ok(passed) => passed,
                Err(stopped) => return Ok(config.answer(stopped, &parts)),
            };
            passed.wait().await;
            let response = inner.call(Request::from_parts(parts, body)).await?;
            let (head, body) = response.into_parts();
            if let (Some(charges), Some(facts)) = (&config.charges, facts)
                && charges(&head)
            {
                passed = config.door.charge(&current, &facts).await;
            }
            Ok(finish(passed, Response::from_parts(head, body)))
        })
    }
}
