//! Why a request failed, as the caller should see it.

use aws_sdk_dynamodb::Error;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::CancellationReason;
use ratekeeper_store::StoreError;

use crate::address::Address;
use crate::item::Item;
use crate::table;

/// What a request came to that did not do what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Its condition does not hold: this is there, if anything is.
    Condition(Option<Item>),
    /// A transaction that did nothing, with a reason for each of its parts.
    Cancelled(Vec<CancellationReason>),
    /// Another transaction is under way over the same items.
    Conflict,
    /// There is no such table.
    NoTable,
    /// The credentials do not permit it.
    Denied(StoreError),
    /// Anything else.
    Store(StoreError),
}

impl Failure {
    pub(crate) fn of<E>(error: SdkError<E>) -> Self
    where
        E: std::error::Error + 'static,
        Error: From<E>,
    {
        match error {
            SdkError::ServiceError(error) => Self::of_service(error.into_err().into()),
            SdkError::TimeoutError(_) => Self::Store(StoreError::Timeout),
            SdkError::ConstructionFailure(_) => Self::Store(misconfigured(&causes(&error))),
            error => Self::Store(StoreError::Unavailable { reason: causes(&error) }),
        }
    }

    fn of_service(error: Error) -> Self {
        match error {
            Error::ConditionalCheckFailedException(error) => Self::Condition(error.item),
            Error::TransactionCanceledException(error) => {
                Self::Cancelled(error.cancellation_reasons.unwrap_or_default())
            }
            Error::TransactionConflictException(_)
            | Error::TransactionInProgressException(_)
            | Error::ReplicatedWriteConflictException(_) => Self::Conflict,
            Error::ResourceNotFoundException(_) => Self::NoTable,
            error => {
                let explained = explained(error.code(), error.message());
                match error.code() {
                    Some("AccessDeniedException") => Self::Denied(explained),
                    _ => Self::Store(explained),
                }
            }
        }
    }

    /// Why nothing was decided, where no other try is to be made.
    pub(crate) fn into_error(self, address: &Address) -> StoreError {
        match self {
            Self::Store(error) | Self::Denied(error) => error,
            Self::NoTable => table::missing(address),
            Self::Conflict => unavailable("another transaction is under way over the same items"),
            Self::Condition(_) => unavailable("a condition does not hold that nobody set"),
            Self::Cancelled(reasons) => {
                let some = |reason: &&CancellationReason| reason.code().is_some_and(|code| code != "None");
                // What another try would not mend comes before what it would.
                let reason =
                    reasons.iter().find(|reason| !is_passing(reason)).or_else(|| reasons.iter().find(some));
                explained(
                    reason.and_then(CancellationReason::code),
                    reason.and_then(CancellationReason::message),
                )
            }
        }
    }
}

/// Whether a write of a transaction may succeed when it is tried again over the state of now.
pub(crate) fn is_passing(reason: &CancellationReason) -> bool {
    matches!(reason.code(), None | Some("None" | "ConditionalCheckFailed" | "TransactionConflict"))
}

/// The error that a code of the service means.
fn explained(code: Option<&str>, message: Option<&str>) -> StoreError {
    let (code, message) = (code.unwrap_or("an error without a code"), message.unwrap_or("no message"));
    let what = format!("DynamoDB says {code}: {message}");
    match code {
        "ProvisionedThroughputExceededException" | "ProvisionedThroughputExceeded" => StoreError::Throttled {
            reason: format!(
                "{what} (one key has 1,000 writes a second at most, on demand too; else the capacity that the table \
                 was given is used up: raise it, or bill on demand)"
            ),
        },
        "ThrottlingException" | "ThrottlingError" | "Throttling" => StoreError::Throttled {
            reason: format!("{what} (a table on demand doubles what it takes within 30 minutes)"),
        },
        "RequestLimitExceeded" => StoreError::Throttled {
            reason: format!(
                "{what} (the account has used up its throughput in this region: ask AWS for more)"
            ),
        },
        "AccessDeniedException" | "AccessDenied" => {
            misconfigured(&format!("{what} (the credentials lack a permission that the guide lists)"))
        }
        "InvalidSignatureException" | "RequestExpired" | "RequestTimeTooSkewed" => {
            misconfigured(&format!("{what} (the secret key is wrong, or the clock of this machine is)"))
        }
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "IncompleteSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "OptInRequired"
        | "NotAuthorized" => {
            misconfigured(&format!("{what} (look at the credentials: aws sts get-caller-identity)"))
        }
        "ValidationException"
        | "ValidationError"
        | "ResourceNotFoundException"
        | "SerializationException" => {
            misconfigured(&format!("{what} (is the table one that ratekeeper can use?)"))
        }
        _ => StoreError::Unavailable { reason: what },
    }
}

pub(crate) fn misconfigured(reason: &str) -> StoreError {
    StoreError::Misconfigured { reason: reason.to_owned() }
}

pub(crate) fn unavailable(reason: &str) -> StoreError {
    StoreError::Unavailable { reason: reason.to_owned() }
}

/// An error and what caused it, in one line.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
