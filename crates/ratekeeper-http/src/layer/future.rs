//! The future of a response.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::Body;
use crate::door::Passed;

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
        Running { #[pin] service: F, passed: Option<Passed> },
        /// A store is asked, a queue waited in, or the response decides.
        Later { future: Later<R, E> },
    }
}

/// What is done to the response of a request that passed.
pub(super) fn finish<R>(passed: Passed, mut response: Response<R>) -> Response<Body<R>> {
    passed.told.add_to(response.headers_mut());
    response.map(|body| Body::service(body, passed.held))
}

impl<F, R, E> ResponseFuture<F, R, E> {
    pub(super) fn done(response: Response<Body<R>>) -> Self {
        Self { state: State::Done { response: Some(response) } }
    }

    pub(super) fn running(service: F, passed: Passed) -> Self {
        Self { state: State::Running { service, passed: Some(passed) } }
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
            Projection::Running { service, passed } => {
                let response = ready!(service.poll(context))?;
                let passed = passed.take().expect("polled after completion");
                Poll::Ready(Ok(finish(passed, response)))
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
