//! One connection to the server, in each of the languages.

mod answer;
mod asking;
mod grpc;
mod http1;
mod plug;
mod redis;
mod resp;

use std::sync::Arc;

pub(crate) use self::answer::{Answer, Problem};
pub(crate) use self::asking::{Words, most_cost};
pub(crate) use self::http1::Get;
pub(crate) use self::plug::Plug;
use crate::draw::Question;
use crate::error::LoadError;
use crate::options::Options;
use crate::target::Protocol;

/// How connections are made, and what they ask.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    plug: Arc<Plug>,
    words: Arc<Words>,
}

impl Asker {
    /// # Errors
    /// If the options do not fit the language, or the roots cannot be read.
    pub(crate) fn new(options: &Options) -> Result<Self, LoadError> {
        Ok(Self { plug: Arc::new(Plug::new(options)?), words: Arc::new(Words::new(options)?) })
    }

    /// A connection that is made with the first request.
    pub(crate) fn client(&self) -> Client {
        let (plug, words) = (Arc::clone(&self.plug), Arc::clone(&self.words));
        match self.plug.target.protocol {
            Protocol::Http => Client::Http(http1::HttpClient::new(plug, words)),
            Protocol::Grpc => Client::Grpc(Box::new(grpc::GrpcClient::new(plug, words))),
            Protocol::Redis => Client::Redis(redis::RedisClient::new(plug, words)),
        }
    }
}

/// One caller. After an error, or an answer that nobody waited for, it connects anew.
#[derive(Debug)]
pub(crate) enum Client {
    Http(http1::HttpClient),
    Grpc(Box<grpc::GrpcClient>),
    Redis(redis::RedisClient),
}

impl Client {
    /// Another caller over the same connection, where one carries several; else with one of its own.
    pub(crate) fn beside(&self, asker: &Asker) -> Self {
        match self {
            Self::Grpc(client) => Self::Grpc(client.clone()),
            _ => asker.client(),
        }
    }

    /// Connects, if it is not connected.
    pub(crate) async fn connect(&mut self) -> Result<(), Problem> {
        match self {
            Self::Http(client) => client.connect().await,
            Self::Grpc(client) => client.connect().await,
            Self::Redis(client) => client.connect().await,
        }
    }

    pub(crate) async fn ask(&mut self, question: Question) -> Result<Answer, Problem> {
        match self {
            Self::Http(client) => client.ask(question).await,
            Self::Grpc(client) => client.ask(question).await,
            Self::Redis(client) => client.ask(question).await,
        }
    }

    /// Asks without taking anything.
    pub(crate) async fn peek(&mut self) -> Result<Answer, Problem> {
        match self {
            Self::Http(client) => client.peek().await,
            Self::Grpc(client) => client.peek().await,
            Self::Redis(client) => client.peek().await,
        }
    }
}
