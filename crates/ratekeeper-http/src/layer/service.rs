//! The service: decides, then lets the one behind it answer.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use ratekeeper_engine::{Current, Decision, Outcome, Request as EngineRequest, RequestOp};
use tower_service::Service;

use super::config::Config;
use super::future::{After, ResponseFuture};
use super::{Body, answer, grpc, origin};
use crate::{Facts, Problem};

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
            return ResponseFuture::running(
                self.inner.call(Request::from_parts(parts, body)),
                After::nothing(),
            );
        }
        let current = self.config.engine.current();
        if !current.answers_at_once() || self.config.charges.is_some() {
            return self.call_later(current, parts, body);
        }
        let outcome = match self.config.decide_now(&current, &parts) {
            Ok(outcome) => outcome,
            Err(problem) => return ResponseFuture::done(problem_answer(&problem, &parts)),
        };
        if let Some(refusal) = self.config.refuse(&outcome, grpc::is_call(&parts.headers)) {
            return ResponseFuture::done(refusal);
        }
        let delay = match outcome.decision {
            Decision::Delay(delay) => Some(Duration::from_micros(delay.get())),
            _ => None,
        };
        let after = After::new(&self.config, outcome);
        let request = Request::from_parts(parts, body);
        match delay {
            None => ResponseFuture::running(self.inner.call(request), after),
            Some(delay) => {
                let mut inner = self.ready_inner();
                ResponseFuture::later(async move {
                    tokio::time::sleep(delay).await;
                    inner.call(request).await.map(|response| after.finish(response))
                })
            }
        }
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
            let op = if config.charges.is_some() {
                RequestOp::Peek
            } else {
                RequestOp::Take
            };
            let outcome = match config.decide(&current, &parts, op).await {
                Ok(outcome) => outcome,
                Err(problem) => return Ok(problem_answer(&problem, &parts)),
            };
            if let Some(refusal) = config.refuse(&outcome, grpc::is_call(&parts.headers)) {
                return Ok(refusal);
            }
            let delay = match outcome.decision {
                Decision::Delay(delay) => Some(Duration::from_micros(delay.get())),
                _ => None,
            };
            let wait = async {
                if let Some(delay) = delay {
                    tokio::time::sleep(delay).await;
                }
            };
            let Some(charges) = &config.charges else {
                // Before the wait: who gives up during it lets go of what he holds.
                let after = After::new(&config, outcome);
                wait.await;
                return inner
                    .call(Request::from_parts(parts, body))
                    .await
                    .map(|response| after.finish(response));
            };
            wait.await;
            // The service takes the request with it; what it is charged by is needed after.
            let asked = parts.clone();
            let response = inner.call(Request::from_parts(parts, body)).await?;
            let (head, body) = response.into_parts();
            let outcome = if charges(&head) {
                config.decide(&current, &asked, RequestOp::Charge).await.unwrap_or(outcome)
            } else {
                outcome
            };
            Ok(After::new(&config, outcome).finish(Response::from_parts(head, body)))
        })
    }
}

impl Config {
    /// Decides at once.
    fn decide_now(&self, current: &Current, parts: &Parts) -> Result<Outcome, Problem> {
        let facts = self.facts(current, parts)?;
        let borrowed = facts.borrowed();
        let request = EngineRequest::new(borrowed.attributes()).costing(facts.cost);
        let outcome = self.engine.check_now_under(current, &request);
        outcome
            .ok_or_else(|| Problem::of(StatusCode::INTERNAL_SERVER_ERROR, "A store did not answer at once."))
    }

    async fn decide(&self, current: &Current, parts: &Parts, op: RequestOp) -> Result<Outcome, Problem> {
        let facts = self.facts(current, parts)?;
        let borrowed = facts.borrowed();
        let request = EngineRequest::new(borrowed.attributes()).costing(facts.cost).asking(op);
        Ok(self.engine.check_under(current, &request).await)
    }

    /// What is known of a request.
    fn facts<'a>(&self, current: &Current, parts: &'a Parts) -> Result<Facts<'a>, Problem> {
        let mut facts = Facts::new(parts, current.uses_headers())
            .map_err(|error| Problem::of(StatusCode::BAD_REQUEST, error.to_string()))?;
        facts.route = origin::route(&parts.extensions).map(Into::into);
        let peer = origin::peer(&parts.extensions);
        facts.ip = peer.map(|peer| crate::client(peer, &parts.headers, current.client_ip()).ip);
        if let Some(collect) = &self.collect {
            collect(parts, &mut facts);
        }
        if facts.ip.is_none() && !self.peerless {
            tracing::error!("no request has a peer address: {NO_PEER}");
            return Err(Problem::of(StatusCode::INTERNAL_SERVER_ERROR, NO_PEER));
        }
        Ok(facts)
    }
}

const NO_PEER: &str = "The server does not tell the rate limiter who is asking. In axum, serve with \
    into_make_service_with_connect_info::<SocketAddr>() and the feature `axum`; elsewhere put a ratekeeper Peer into the \
    extensions of requests, or use allow_unknown_peer().";

fn problem_answer<B>(problem: &Problem, parts: &Parts) -> Response<Body<B>> {
    answer::answer(problem, grpc::is_call(&parts.headers)).map(Body::refusal)
}
