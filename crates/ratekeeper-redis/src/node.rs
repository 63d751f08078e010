//! One server, or whichever is the master of several at the moment.

use std::sync::Arc;

use ratekeeper_store::StoreError;
use redis::{Cmd, Pipeline, Value};

use crate::dial::{Address, Connection, Dial};
use crate::failure::Failure;
use crate::opened::Opened;
use crate::sentinel::Sentinels;

/// A server that is connected to on demand, and again when the connection has gone bad.
#[derive(Debug)]
pub(crate) struct Node {
    target: Arc<Target>,
    connection: Opened<Arc<Connection>>,
}

/// Where a node is.
#[derive(Debug)]
pub(crate) enum Target {
    /// At an address.
    Fixed(Dial, Address),
    /// Where the sentinels say that the master is.
    Watched(Dial, Arc<Sentinels>),
}

impl Target {
    async fn connect(&self) -> Result<Arc<Connection>, StoreError> {
        match self {
            Self::Fixed(dial, address) => Connection::open(dial, address).await,
            Self::Watched(dial, sentinels) => sentinels.connect(dial).await,
        }
    }
}

impl Node {
    pub(crate) fn new(target: Target) -> Self {
        Self { target: Arc::new(target), connection: Opened::default() }
    }

    /// Sends a command, and waits for the answer.
    pub(crate) async fn ask(&self, command: &Cmd) -> Result<Value, Failure> {
        self.connection().await?.ask(command).await
    }

    /// Sends commands in one piece, and waits for the answer to the last.
    pub(crate) async fn ask_in_order(&self, commands: &Pipeline) -> Result<Value, Failure> {
        self.connection().await?.ask_in_order(commands).await
    }

    async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        let open = || {
            let target = Arc::clone(&self.target);
            async move { target.connect().await }
        };
        self.connection
            .get(|connection| connection.is_bad(), open)
            .await
            .map_err(Failure::NotSent)
    }
}
