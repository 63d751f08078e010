//! A run that is prepared: the server answers, and as it should.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::client::{Answer, Asker, Client};
use crate::draw::Draw;
use crate::error::LoadError;
use crate::options::{Load, Options};
use crate::phase::Phase;
use crate::stop::Stop;

/// How many connections are made at the same time.
const AT_ONCE: usize = 64;
/// How long a look before the load may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all kinds of load tests begin with.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) options: Options,
    pub(crate) draw: Arc<Draw>,
    pub(crate) stop: Stop,
    pub(crate) asker: Asker,
    /// What the server said to a look that took nothing.
    pub(crate) first: Answer,
    /// What is to be told beside the figures.
    pub(crate) notes: Vec<String>,
}

impl Run {
    /// Looks at the server.
    ///
    /// # Errors
    /// If the options make no sense, or the server does not answer.
    pub(crate) async fn prepare(options: Options, stop: Stop) -> Result<Self, LoadError> {
        check(&options)?;
        let asker = Asker::new(&options)?;
        let draw = Draw::new(options.seed, options.keys, options.distribution, options.cost.clone());
        let mut client = asker.client();
        let server = |detail| LoadError::Server { url: options.target.to_string(), detail };
        let first = match timeout(PATIENCE, client.peek()).await {
            Err(_) => return Err(server("it does not answer".to_owned())),
            Ok(answer) => answer.map_err(|problem| server(problem.detail))?,
        };
        let mut notes = Vec::new();
        if first.tells_limits && first.limits.is_empty() {
            notes.push(
                "no limit applies to these requests: the policy lets all of them pass; --attributes says what is asked"
                    .to_owned(),
            );
        }
        Ok(Self { draw: Arc::new(draw), options, stop, asker, first, notes })
    }

    /// So many connections, with all their streams, that are open.
    ///
    /// # Errors
    /// If one of them does not come about.
    pub(crate) async fn connected(&self, connections: usize) -> Result<Vec<Client>, LoadError> {
        let mut clients: Vec<Client> = (0..connections).map(|_| self.asker.client()).collect();
        let mut open = Vec::with_capacity(connections * self.options.streams);
        while !clients.is_empty() {
            let some = clients.split_off(clients.len().saturating_sub(AT_ONCE));
            let mut connecting = tokio::task::JoinSet::new();
            for mut client in some {
                connecting.spawn(async move {
                    timeout(PATIENCE, client.connect()).await.map(|made| made.map(|()| client))
                });
            }
            while let Some(made) = connecting.join_next().await {
                let server = |detail| LoadError::Server { url: self.options.target.to_string(), detail };
                match made {
                    Ok(Ok(Ok(client))) => open.push(client),
                    Ok(Ok(Err(problem))) => return Err(server(problem.detail)),
                    _ => return Err(server("a connection does not come about".to_owned())),
                }
            }
        }
        for _ in 1..self.options.streams {
            let more: Vec<_> = open[..connections].iter().map(|client| client.beside(&self.asker)).collect();
            open.extend(more);
        }
        Ok(open)
    }

    /// A phase of this load.
    pub(crate) fn phase(&self, load: Load, lasts: Duration, window: Duration) -> Phase {
        let timeout = self.options.timeout;
        Phase {
            load,
            lasts,
            timeout,
            patience: timeout / 2,
            window,
            draw: Arc::clone(&self.draw),
            ledger: None,
        }
    }
}

fn check(options: &Options) -> Result<(), LoadError> {
    let cost = &options.cost;
    if *cost.start() == 0 || cost.is_empty() || *cost.end() > ratekeeper_core::MAX_COUNT {
        return Err(LoadError::option("--cost: write a number, or a range such as 1..1000, from 1 to 2^48"));
    }
    if options.streams > 1 && options.target.protocol() != crate::target::Protocol::Grpc {
        return Err(LoadError::option("--streams: only connections of gRPC carry several calls at once"));
    }
    if options.connections == 0 || options.streams == 0 || options.keys == 0 || options.timeout.is_zero() {
        return Err(LoadError::option("--connections, --streams, --keys and --timeout must not be zero"));
    }
    crate::client::most_cost(options.target.protocol(), cost)
}
