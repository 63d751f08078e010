//! Why a command was not answered, and what that means.

use ratekeeper_store::StoreError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::dial::Address;

/// What went wrong with one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was never sent.
    NotSent(StoreError),
    /// The connection broke after it was sent: it may have been done, or not.
    Lost(String),
    /// The server does not know the script; nothing was done.
    NoScript,
    /// The server is a replica; nothing was done.
    ReadOnly,
    /// The keys are with another node, for good; nothing was done.
    Moved(String),
    /// The keys are being moved to another node, which has these already; nothing was done.
    Ask(String),
    /// The keys are being moved, and are with two nodes at this moment; nothing was done.
    TryAgain,
    /// The server cannot answer at the moment; nothing was done.
    Unable(String),
    /// The server will not do it, however often it is asked.
    Refused(String),
}

impl Failure {
    pub(crate) fn of(error: &RedisError) -> Self {
        let node = || error.redirect_node().map_or(String::new(), |(node, _)| node.to_owned());
        let ErrorKind::Server(kind) = error.kind() else {
            return match (error.kind(), error.code()) {
                (ErrorKind::Extension, Some(code)) => Self::told(code, error.detail().unwrap_or_default()),
                (ErrorKind::AuthenticationFailed, _) => Self::Refused(error.to_string()),
                _ => Self::Lost(error.to_string()),
            };
        };
        let detail = error.detail().unwrap_or_default();
        match kind {
            ServerErrorKind::NoScript => Self::NoScript,
            ServerErrorKind::ReadOnly => Self::ReadOnly,
            ServerErrorKind::Moved => Self::Moved(node()),
            ServerErrorKind::Ask => Self::Ask(node()),
            ServerErrorKind::TryAgain => Self::TryAgain,
            ServerErrorKind::BusyLoading | ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown => {
                Self::Unable(format!("{} {detail}", kind_name(kind)))
            }
            // Redis 6 tells of errors within a script by the text of another.
            ServerErrorKind::ResponseError if detail.contains("READONLY") => Self::ReadOnly,
            ServerErrorKind::ResponseError if detail.contains("OOM ") => {
                Self::Unable(format!("it is out of memory; raise its maxmemory: {detail}"))
            }
            _ => Self::told(kind_name(kind), detail),
        }
    }

    /// From the code and the text of an error of the server.
    fn told(code: &str, detail: &str) -> Self {
        let text = format!("{code} {detail}");
        match code {
            // Out of memory, too few replicas, a failing disk, a script that runs for long.
            "OOM" => Self::Unable(format!("it is out of memory; raise its maxmemory: {text}")),
            "NOREPLICAS" | "MISCONF" | "BUSY" | "UNBLOCKED" => Self::Unable(text),
            _ => Self::Refused(text),
        }
    }

    /// What it is to somebody who opens a connection to `address`.
    pub(crate) fn opening(self, address: &Address) -> StoreError {
        match self {
            Self::Lost(why) => cannot_connect(address, &why),
            Self::NotSent(error) => error,
            Self::Refused(why) => StoreError::Misconfigured {
                reason: format!("Redis at {address} refuses the connection: {why}"),
            },
            other => cannot_connect(address, &StoreError::from(other).to_string()),
        }
    }
}

pub(crate) fn cannot_connect(address: &Address, why: &str) -> StoreError {
    StoreError::Unavailable { reason: format!("cannot connect to Redis at {address}: {why}") }
}

fn kind_name(kind: ServerErrorKind) -> &'static str {
    match kind {
        ServerErrorKind::BusyLoading => "LOADING",
        ServerErrorKind::ClusterDown => "CLUSTERDOWN",
        ServerErrorKind::MasterDown => "MASTERDOWN",
        ServerErrorKind::CrossSlot => "CROSSSLOT",
        ServerErrorKind::NoPerm => "NOPERM",
        _ => "ERR",
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let unavailable = |reason: String| Self::Unavailable { reason };
        match failure {
            Failure::NotSent(error) => error,
            Failure::Lost(why) => unavailable(format!(
                "the connection to Redis was lost while it was asked: {why}; it may have counted the request"
            )),
            Failure::NoScript => unavailable("Redis forgets the script as soon as it has it".to_owned()),
            Failure::ReadOnly => unavailable("Redis is a replica at this moment".to_owned()),
            Failure::Moved(node) | Failure::Ask(node) => {
                unavailable(format!("the cluster sends the request around, lastly to {node}"))
            }
            Failure::TryAgain => unavailable("the cluster is moving the keys of the request".to_owned()),
            Failure::Unable(why) => unavailable(format!("Redis cannot answer now: {why}")),
            Failure::Refused(why) => Self::Misconfigured {
                reason: format!("Redis refuses what it is asked: {why}; {PERMISSIONS_NEEDED}"),
            },
        }
    }
}

/// What a user of the server must be allowed.
pub(crate) const PERMISSIONS_NEEDED: &str = "the user needs +eval +evalsha +mget +psetex +setrange +del +time and the keys that begin with the prefix";
