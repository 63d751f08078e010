//! The future of a response.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use ratekeeper_engine::Outcome;

use super::Body;
use super::answer::add;
use super::config::Config;
use super::held::Held;
use crate::{Dialect, Fields};

type Later<R, E> = Pin<Box<dyn Future<Output = Result<Response<Body<R>>, E>> + Send>>;

pin_project! {
    /// The response of a [`RateLimit`](super::RateLimit).
    pub struct ResponseFuture<F, R, E> {
        #[pin]
        state: State<F, R, E>,
    }
}

pin_project! {
    #[project = Projection]
    enum State<F, R, E> {
        /// Refused: the service behind never sees the request.
        Done { response: Option<Response<Body<R>>> },
        /// Decided; the service is answering.
        Running { #[pin] service: F, after: Option<After> },
        /// A store is asked, a queue waited in, or the response decides.
        Later { future: Later<R, E> },
    }
}

/// What is done to the response of a request that passed.
#[derive(Debug)]
pub(super) struct After {
    fields: Fields,
    dialect: Dialect,
    held: Option<Held>,
}

impl After {
    pub(super) fn new(config: &Arc<Config>, outcome: Outcome) -> Self {
        let (fields, dialect) = (config.fields(&outcome), config.dialect);
        Self { fields, dialect, held: Held::new(&config.engine, outcome) }
    }

    pub(super) fn nothing() -> Self {
        Self { fields: Fields::new(), dialect: Dialect::None, held: None }
    }

    pub(super) fn finish<R>(self, mut response: Response<R>) -> Response<Body<R>> {
        add(self.fields, self.dialect, &mut response);
        response.map(|body| Body::service(body, self.held))
    }
}

impl<F, R, E> ResponseFuture<F, R, E> {
    pub(super) fn done(response: Response<Body<R>>) -> Self {
        Self { state: State::Done { response: Some(response) } }
    }

    pub(super) fn running(service: F, after: After) -> Self {
        Self { state: State::Running { service, after: Some(after) } }
    }

    pub(super) fn later(future: impl Future<Output = Result<Response<Body<R>>, E>> + Send + 'static) -> Self {
        Self { state: State::Later { future: Box::pin(future) } }
    }
}

impl<F, R, E> Future for ResponseFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<R>>, E>;

    #[allow(clippy::expect_used)] // As every future, it is not polled again once it is done.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projection::Done { response } => {
                Poll::Ready(Ok(response.take().expect("polled after completion")))
            }
            Projection::Running { service, after } => {
                let response = ready!(service.poll(context))?;
                let after = after.take().expect("polled after completion");
                Poll::Ready(Ok(after.finish(response)))
            }
            Projection::Later { future } => future.as_mut().poll(context),
        }
    }
}

impl<F, R, E> fmt::Debug for ResponseFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
