//! The service: waits, calls, observes.

use std::future::{Future, IntoFuture as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::{CallError, PacedBody, PacedLayer};

/// The response of a [`Paced`] service.
pub type ResponseFuture<B, E> =
    Pin<Box<dyn Future<Output = Result<Response<PacedBody<B>>, CallError<E>>> + Send>>;

/// An HTTP client whose calls are paced; made by [`PacedLayer`].
#[derive(Clone, Debug)]
pub struct Paced<S> {
    inner: S,
    layer: PacedLayer,
}

impl<S> Paced<S> {
    pub(super) fn new(inner: S, layer: PacedLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, R> Service<Request<B>> for Paced<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Send + 'static,
{
    type Response = Response<PacedBody<R>>;
    type Error = CallError<S::Error>;
    type Future = ResponseFuture<R, S::Error>;

    /// Always ready: the client is asked when the call has its turn, so that nothing of it is kept from others meanwhile.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let turn = self.layer.turn(&parts).into_future();
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let mut permit = turn.await?;
            poll_fn(|context| inner.poll_ready(context)).await.map_err(CallError::Service)?;
            let response = inner.call(Request::from_parts(parts, body)).await;
            let (head, body) = response.map_err(CallError::Service)?.into_parts();
            permit.observe(head.status, &head.headers);
            Ok(Response::from_parts(head, PacedBody::new(body, permit)))
        })
    }
}
