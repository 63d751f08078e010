//! What the errors of the driver mean.

use ratekeeper_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Why a call failed, and what follows.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    pub(crate) error: StoreError,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The connection is of no use any more.
    Connection,
    /// The schema is missing, or older than this version.
    Schema,
    /// Nothing was written, and doing it again is right.
    Again,
    /// Nothing.
    Statement,
}

/// What our functions raise when a call is to be made again.
const BEGIN_AGAIN: &str = "RK001";

impl Failure {
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self {
            cause: Cause::Connection,
            error: StoreError::Unavailable { reason: reason.into() },
        }
    }

    pub(crate) fn of(error: &Error, schema: &str) -> Self {
        let Some(said) = error.as_db_error() else {
            return Self::unavailable(in_full(error));
        };
        let code = said.code();
        let reason = format!("PostgreSQL says: {} ({})", said.message(), code.code());
        let (cause, error) = match code.code().as_bytes() {
            _ if code.code() == BEGIN_AGAIN => (Cause::Again, StoreError::Contended { tries: 1 }),
            _ if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED => {
                (Cause::Again, StoreError::Contended { tries: 1 })
            }
            _ if *code == SqlState::UNDEFINED_FUNCTION
                || *code == SqlState::UNDEFINED_TABLE
                || *code == SqlState::INVALID_SCHEMA_NAME =>
            {
                (Cause::Schema, StoreError::Misconfigured { reason: missing(schema) })
            }
            _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                let remedy = format!(
                    "{reason}; the role needs: GRANT USAGE ON SCHEMA {schema} TO …; GRANT EXECUTE ON ALL FUNCTIONS \
                     IN SCHEMA {schema} TO …"
                );
                (Cause::Statement, StoreError::Misconfigured { reason: remedy })
            }
            _ if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE => {
                (Cause::Statement, StoreError::Timeout)
            }
            _ if *code == SqlState::TOO_MANY_CONNECTIONS => {
                let reason = format!("{reason}; raise max_connections, or lower connections= in the URL");
                (Cause::Connection, StoreError::Throttled { reason })
            }
            _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
                let reason = format!("{reason}; this is not the primary: the connection is given up");
                (Cause::Connection, StoreError::Unavailable { reason })
            }
            // Who we are is not known, or not allowed; or there is no such database.
            [b'2', b'8', ..] | [b'3', b'D', ..] => (Cause::Connection, StoreError::Misconfigured { reason }),
            // Resources, operator intervention, system errors, and what a pooler says.
            [b'5', ..] | [b'0', b'8', ..] => (Cause::Connection, StoreError::Unavailable { reason }),
            _ => (Cause::Statement, StoreError::Unavailable { reason }),
        };
        Self { cause, error }
    }
}

/// What is wrong if a schema is missing or older, and what to do.
pub(crate) fn missing(schema: &str) -> String {
    format!(
        "the schema {schema} is missing, or older than this version needs; run what `ratekeeper migrations` prints as its owner, \
         or leave out migrate=never"
    )
}

/// An error with its causes.
fn in_full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
