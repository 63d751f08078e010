//! `CL.THROTTLE` and `RK.CHECK`, over one connection of the Redis protocol.

use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::plug::Wire;
use super::resp::{self, Reply};
use super::{Answer, Plug, Problem, Words};
use crate::draw::Question;

/// The most bytes of an answer.
const MOST: usize = 1 << 20;

/// A connection.
#[derive(Debug)]
pub(crate) struct RedisClient {
    plug: Arc<Plug>,
    words: Arc<Words>,
    open: Option<Open>,
}

struct Open {
    wire: Box<dyn Wire>,
    read: BytesMut,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
}

impl RedisClient {
    pub(super) fn new(plug: Arc<Plug>, words: Arc<Words>) -> Self {
        Self { plug, words, open: None }
    }

    pub(super) async fn connect(&mut self) -> Result<(), Problem> {
        if self.open.is_none() {
            let mut open = Open { wire: self.plug.connect().await?, read: BytesMut::new() };
            if let Some(token) = &self.plug.token {
                match open.exchange(&[b"AUTH".to_vec(), token.secret().as_bytes().to_vec()]).await? {
                    // A server that wants no token says so, and serves.
                    Reply::Error(said) if !said.starts_with("ERR AUTH <password> called without") => {
                        return Err(Problem::new("redis_error", said));
                    }
                    _ => {}
                }
            }
            self.open = Some(open);
        }
        Ok(())
    }

    pub(super) async fn ask(&mut self, question: Question) -> Result<Answer, Problem> {
        self.command(question, false).await
    }

    pub(super) async fn peek(&mut self) -> Result<Answer, Problem> {
        self.command(Question { key: 0, cost: 1 }, true).await
    }

    async fn command(&mut self, question: Question, peek: bool) -> Result<Answer, Problem> {
        self.connect().await?;
        // Taken out meanwhile: whoever stops waiting leaves no connection with half an answer.
        let Some(mut open) = self.open.take() else {
            return Err(Problem::broken("there is no connection"));
        };
        let reply = open.exchange(&self.words.command(question, peek)).await?;
        self.open = Some(open);
        understood(&reply)
    }
}

/// The array of `CL.THROTTLE`, or the pairs of `RK.CHECK`.
fn understood(reply: &Reply) -> Result<Answer, Problem> {
    let answer = |allowed, degraded| Ok(Answer { allowed, degraded, ..Answer::default() });
    match reply {
        Reply::Error(said) => Err(Problem::new("redis_error", said)),
        Reply::Array(items) => match items.as_slice() {
            [Reply::Integer(limited), ..] => answer(*limited == 0, false),
            pairs => {
                let named = |name: &str| {
                    let pair = pairs.chunks_exact(2).find(|pair| pair[0].is(name))?;
                    Some(pair[1] == Reply::Integer(1))
                };
                let allowed = named("allowed").ok_or_else(|| Problem::strange("it is no decision"))?;
                answer(allowed, named("degraded").unwrap_or_default())
            }
        },
        _ => Err(Problem::strange("it is no decision")),
    }
}

impl Open {
    async fn exchange(&mut self, command: &[Vec<u8>]) -> Result<Reply, Problem> {
        self.wire.write_all(&resp::command(command)).await.map_err(Problem::broken)?;
        self.wire.flush().await.map_err(Problem::broken)?;
        loop {
            if let Some((reply, length)) = resp::reply(&self.read).map_err(Problem::strange)? {
                self.read.advance(length);
                return Ok(reply);
            }
            if self.read.len() > MOST {
                return Err(Problem::strange("it does not end"));
            }
            if self.wire.read_buf(&mut self.read).await.map_err(Problem::broken)? == 0 {
                return Err(Problem::broken("the server closed the connection"));
            }
        }
    }
}
