//! A command on its way to a node, and who waits for the reply.

use tokio::sync::oneshot;

use super::reply::Reply;

/// One command.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) command: Vec<u8>,
    /// `None` if the reply does not matter.
    pub(super) answer: Option<Answer>,
}

/// Who waits for a reply, and may go away at any time.
#[derive(Debug)]
pub(super) struct Answer(pub(super) oneshot::Sender<Result<Reply, String>>);

impl Request {
    /// Whether it is still to be asked.
    pub(super) fn is_wanted(&self) -> bool {
        self.answer.as_ref().is_none_or(|answer| !answer.0.is_closed())
    }

    pub(super) fn fail(self, why: &str) {
        if let Some(answer) = self.answer {
            answer.fail(why);
        }
    }
}

impl Answer {
    pub(super) fn give(self, reply: Reply) {
        _ = self.0.send(Ok(reply));
    }

    pub(super) fn fail(self, why: &str) {
        _ = self.0.send(Err(why.to_owned()));
    }
}
