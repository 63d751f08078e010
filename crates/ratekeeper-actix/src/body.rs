//! The body of a response: the service's own, or that of a refusal.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use bytes::Bytes;
use pin_project_lite::pin_project;
use ratekeeper_http::door::Held;

pin_project! {
    /// The body of a response behind a [`RateLimit`](crate::RateLimit). What the request holds of a concurrency limit is
    /// released when it ends or is dropped.
    #[derive(Debug)]
    pub struct Body<B> {
        #[pin]
        content: EitherBody<B>,
        held: Option<Held>,
    }
}

impl<B> Body<B> {
    pub(crate) fn service(body: B, held: Option<Held>) -> Self {
        Self { content: EitherBody::left(body), held }
    }

    pub(crate) fn refusal(body: BoxBody) -> Self {
        Self { content: EitherBody::right(body), held: None }
    }
}

impl<B: MessageBody + 'static> MessageBody for Body<B> {
    type Error = <EitherBody<B> as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.content.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        let chunk = ready!(this.content.poll_next(context));
        if chunk.is_none() {
            *this.held = None;
        }
        Poll::Ready(chunk)
    }
}
