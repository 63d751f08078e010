//! One connection: commands of many callers go out, replies come back in the same order.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{self, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, interval_at};

use super::reply::{Decoder, Reply};
use super::request::{Answer, Request};

/// So many commands may wait for their replies.
const MOST_WAITING: usize = 4096;
/// No more commands are taken up while so many bytes are not sent yet.
const MOST_UNSENT: usize = 1 << 20;
/// So many commands are taken up at once.
const AT_ONCE: usize = 256;
/// Room for what comes in at once.
const READ: usize = 8 * 1024;

/// Both halves of a stream, and what is under way on them.
pub(super) struct Connection {
    read: Box<dyn AsyncRead + Send + Unpin>,
    write: Box<dyn AsyncWrite + Send + Unpin>,
    input: BytesMut,
    output: BytesMut,
    decoder: Decoder,
    /// Who waits for the next replies, in order; `None` where nobody does.
    waiting: VecDeque<Option<Answer>>,
    /// Whether anything came in since the last look.
    heard: bool,
    answered: bool,
}

/// Why a connection was left.
#[derive(Debug)]
pub(super) enum Ended {
    /// Nobody can ask any more.
    Unused,
    /// It broke.
    Broken {
        why: String,
        /// It broke with commands under way, and had never answered any.
        in_vain: bool,
    },
}

impl Connection {
    pub(super) fn new(
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            read: Box::new(read),
            write: Box::new(write),
            input: BytesMut::new(),
            output: BytesMut::new(),
            decoder: Decoder::default(),
            waiting: VecDeque::new(),
            heard: false,
            answered: false,
        }
    }

    /// Sends one command by itself, before all others, and waits for its reply.
    pub(super) async fn greet(&mut self, command: &str) -> Result<Reply, String> {
        self.write.write_all(command.as_bytes()).await.map_err(said)?;
        loop {
            if let Some(reply) = self.decoder.next(&mut self.input).map_err(said)? {
                return Ok(reply);
            }
            came_in(self.read.read_buf(&mut self.input).await)?;
        }
    }

    /// Serves `first` and what comes through `queue`, until the connection breaks or the queue ends. If nothing comes
    /// in for `patience` while somebody waits, the connection counts as broken.
    pub(super) async fn serve(
        mut self,
        first: Option<Request>,
        queue: &mut Receiver<Request>,
        patience: Duration,
    ) -> Ended {
        first.into_iter().for_each(|request| self.take_up(request));
        match self.exchange(queue, patience).await {
            Ok(()) => Ended::Unused,
            Err(why) => {
                let in_vain = !self.answered && !self.waiting.is_empty();
                let waiting = self.waiting.into_iter().flatten();
                waiting.for_each(|answer| answer.fail(&why));
                Ended::Broken { why, in_vain }
            }
        }
    }

    /// Exchanges bytes for as long as somebody can ask.
    async fn exchange(&mut self, queue: &mut Receiver<Request>, patience: Duration) -> Result<(), String> {
        let mut requests = Vec::new();
        let mut ticks = interval_at(Instant::now() + patience, patience);
        let mut waited = false;
        loop {
            self.input.reserve(READ);
            let has_room = self.waiting.len() < MOST_WAITING && self.output.len() < MOST_UNSENT;
            // Replies are read before more is asked, and what can be asked together goes out together.
            tokio::select! {
                biased;
                read = self.read.read_buf(&mut self.input) => {
                    came_in(read)?;
                    self.deliver()?;
                }
                count = queue.recv_many(&mut requests, AT_ONCE), if has_room => {
                    if count == 0 {
                        return Ok(());
                    }
                    requests.drain(..).for_each(|request| self.take_up(request));
                }
                sent = self.write.write_buf(&mut self.output), if !self.output.is_empty() => {
                    sent.map_err(said)?;
                }
                _ = ticks.tick() => {
                    if waited && !self.heard && !self.waiting.is_empty() {
                        return Err(format!("it has not answered for {patience:?}"));
                    }
                    (waited, self.heard) = (!self.waiting.is_empty(), false);
                }
            }
        }
    }

    /// Who has gone meanwhile asks for nothing.
    fn take_up(&mut self, request: Request) {
        if request.is_wanted() {
            self.output.extend_from_slice(&request.command);
            self.waiting.push_back(request.answer);
        }
    }

    /// Hands the replies that have come in to those who wait.
    fn deliver(&mut self) -> Result<(), String> {
        self.heard = true;
        while let Some(reply) = self.decoder.next(&mut self.input).map_err(said)? {
            let answer = self.waiting.pop_front().ok_or("it answers what nobody asked")?;
            self.answered = true;
            if let Some(answer) = answer {
                answer.give(reply);
            }
        }
        Ok(())
    }
}

fn came_in(read: io::Result<usize>) -> Result<(), String> {
    match read {
        Ok(0) => Err("it closed the connection".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(said(error)),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
