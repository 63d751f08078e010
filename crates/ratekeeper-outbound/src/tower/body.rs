//! The body of a response, which holds the permit of its call.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::Permit;

pin_project! {
    /// The body of a response to a paced call. The slot of a concurrency limit is free when it ends or is dropped.
    #[derive(Debug)]
    pub struct PacedBody<B> {
        #[pin]
        body: B,
        permit: Option<Permit>,
    }
}

impl<B> PacedBody<B> {
    pub(super) fn new(body: B, permit: Permit) -> Self {
        Self { body, permit: Some(permit) }
    }
}

impl<B: http_body::Body> http_body::Body for PacedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(context));
        if frame.is_none() {
            *this.permit = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
