//! Sentinels: who is master?

use std::sync::Arc;

use ratekeeper_store::StoreError;
use redis::Value;
use tokio::task::JoinSet;

use crate::dial::{Address, Connection, Dial};
use crate::failure::{Failure, cannot_connect};

/// Servers that know which of the others is the master, and see to it that there is one.
#[derive(Debug)]
pub(crate) struct Sentinels {
    /// How to connect to a sentinel; to the master one connects otherwise.
    pub(crate) dial: Dial,
    pub(crate) addresses: Vec<Address>,
    /// The name of the master.
    pub(crate) master: String,
}

impl Sentinels {
    /// Connects to the master by `dial`.
    pub(crate) async fn connect(self: &Arc<Self>, dial: &Dial) -> Result<Arc<Connection>, StoreError> {
        let mut asked = JoinSet::new();
        for sentinel in self.addresses.clone() {
            // All at the same time: some may be gone, hang, or be behind. The first whose master is one is believed.
            let (sentinels, dial) = (Arc::clone(self), dial.clone());
            asked.spawn(async move {
                let master = sentinels.master_by(&sentinel).await?;
                Ok(connect_to_master(&dial, &master).await)
            });
        }
        let mut why = None;
        while let Some(answered) = asked.join_next().await {
            match answered {
                Ok(Ok(Ok(connection))) => return Ok(connection),
                Ok(Ok(Err(error))) => why = Some(error),
                Ok(Err(error)) => why = why.or(Some(error)),
                Err(_) => {}
            }
        }
        Err(why.unwrap_or_else(|| StoreError::Misconfigured { reason: "no sentinel is given".to_owned() }))
    }

    /// Where the master is, as one sentinel says.
    async fn master_by(&self, sentinel: &Address) -> Result<Address, StoreError> {
        let connection = Connection::open(&self.dial, sentinel).await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        match connection.ask(&command).await.map_err(|failure| failure.opening(sentinel))? {
            Value::Array(answer) => match answer.as_slice() {
                [Value::BulkString(host), Value::BulkString(port)] => {
                    let host = String::from_utf8_lossy(host).into_owned();
                    let port = std::str::from_utf8(port).ok().and_then(|port| port.parse().ok());
                    port.map(|port| Address::Tcp(host, port)).ok_or_else(|| nonsense(sentinel))
                }
                _ => Err(nonsense(sentinel)),
            },
            Value::Nil => Err(StoreError::Misconfigured {
                reason: format!(
                    "the sentinel at {sentinel} knows no master {:?}; give its name as the path of the URL",
                    self.master
                ),
            }),
            _ => Err(nonsense(sentinel)),
        }
    }
}

fn nonsense(sentinel: &Address) -> StoreError {
    cannot_connect(sentinel, "its answer is not that of a sentinel")
}

/// Connects, and asks whether it is the master: sentinels may not know yet that it no longer is.
async fn connect_to_master(dial: &Dial, address: &Address) -> Result<Arc<Connection>, StoreError> {
    let connection = Connection::open(dial, address).await?;
    match connection.ask(&redis::cmd("ROLE")).await {
        Ok(Value::Array(role)) if role.first() == Some(&Value::BulkString(b"master".to_vec())) => {
            Ok(connection)
        }
        // It need not be allowed to tell.
        Err(Failure::Refused(_)) => Ok(connection),
        Ok(_) => Err(cannot_connect(address, "it is a replica; there is no master at this moment")),
        Err(failure) => Err(failure.opening(address)),
    }
}
