//! What an operator should know of the table.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use aws_sdk_dynamodb::types::{
    BillingMode, ProvisionedThroughputDescription, TableDescription, TableStatus, TimeToLiveStatus,
};
use ratekeeper_core::Timestamp;
use ratekeeper_store::{Clock, Examination, Finding, Severity, StoreError};

use crate::address::Address;
use crate::condition::Condition;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::item::{EXPIRES, Item, KEY, binary};
use crate::request::{self, What, Write};
use crate::table;

/// Clocks that differ more are worth a word: the header tells whole seconds.
const NOTICEABLE: Duration = Duration::from_secs(2);
/// Signatures older than this are refused.
const REFUSED: Duration = Duration::from_secs(5 * 60);

/// Looks at the table, its settings, the clock of the service and the permissions.
pub(crate) async fn examine(connection: &Connection, clock: &dyn Clock) -> Result<Examination, StoreError> {
    let address = connection.address();
    let mut findings = Vec::new();
    let mut servers = vec![named(address, None)];
    match describe(connection, clock).await {
        Ok((table, ahead)) => {
            servers = vec![named(address, Some(&table))];
            findings.extend(ahead.and_then(clock_differs));
            findings.extend(look_at_table(&table, address));
            findings.extend(look_at_expiry(connection).await?);
            findings.extend(look_at_permissions(connection).await?);
        }
        Err(Failure::NoTable) => findings.push(Finding {
            severity: Severity::Problem,
            what: format!("there is no table {}", address.table),
            remedy: table::creating(address),
        }),
        Err(Failure::Denied(error)) => {
            findings.push(denied("dynamodb:DescribeTable", Severity::Warning, &error));
            findings.extend(look_at_permissions(connection).await?);
        }
        Err(failure) => return Err(failure.into_error(address)),
    }
    Ok(Examination { servers, time: None, findings })
}

fn named(address: &Address, table: Option<&TableDescription>) -> String {
    let place = address.endpoint.as_deref().or(address.region.as_deref());
    let place = place.map_or_else(String::new, |place| format!(" at {place}"));
    let counters = table.and_then(TableDescription::item_count);
    let counters = counters.map_or_else(String::new, |count| format!(", about {count} counters"));
    format!("Amazon DynamoDB, table {}{place}{counters}", address.table)
}

/// The table, and by how many seconds the clock of the service is ahead of that which decides.
async fn describe(
    connection: &Connection,
    clock: &dyn Clock,
) -> Result<(TableDescription, Option<i64>), Failure> {
    let name = connection.address().table.clone();
    let date = Dated::default();
    let interceptor = date.clone();
    let table = connection.send(|client| async move {
        let request = client.describe_table().table_name(name).customize().interceptor(interceptor);
        request.send().await.map(|answer| answer.table).map_err(Failure::of)
    });
    let table = table.await?.ok_or(Failure::NoTable)?;
    Ok((table, date.ahead_of(clock.now())))
}

fn clock_differs(ahead: i64) -> Option<Finding> {
    let difference = Duration::from_secs(ahead.unsigned_abs());
    let severity = match difference {
        difference if difference > REFUSED => Severity::Problem,
        difference if difference > NOTICEABLE => Severity::Warning,
        _ => return None,
    };
    let side = if ahead > 0 { "behind" } else { "ahead of" };
    Some(Finding {
        severity,
        what: format!(
            "the clock of this process is {difference:?} {side} that of DynamoDB; limits are decided by the clocks of \
             the clients"
        ),
        remedy: "set the clock by NTP on every client, and restart the process (chronyc tracking)".to_owned(),
    })
}

fn look_at_table(table: &TableDescription, address: &Address) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |severity, what, remedy| findings.push(Finding { severity, what, remedy });
    if let Some(status) = table.table_status()
        && !matches!(status, TableStatus::Active | TableStatus::Updating)
    {
        let remedy = format!("aws dynamodb wait table-exists {}", address.arguments());
        find(Severity::Problem, format!("the table is {status}"), remedy);
    }
    if let Err(error) = table::check_key(table, address) {
        find(Severity::Problem, error.to_string(), table::creating(address));
    }
    let billing = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    let writes = table
        .provisioned_throughput()
        .and_then(ProvisionedThroughputDescription::write_capacity_units);
    if billing != Some(&BillingMode::PayPerRequest) && writes.is_some_and(|writes| writes > 0) {
        find(
            Severity::Warning,
            format!("the table has a provisioned capacity of {} writes a second", writes.unwrap_or_default()),
            format!("aws dynamodb update-table {} --billing-mode PAY_PER_REQUEST", address.arguments()),
        );
    }
    findings
}

async fn look_at_expiry(connection: &Connection) -> Result<Option<Finding>, StoreError> {
    let address = connection.address().clone();
    let expiry = connection
        .send(|client| async move { table::describe_expiry(&client, &address).await })
        .await;
    let address = connection.address();
    let expiry = match expiry {
        Ok(expiry) => expiry,
        Err(Failure::Denied(error)) => {
            return Ok(Some(denied("dynamodb:DescribeTimeToLive", Severity::Warning, &error)));
        }
        Err(failure) => return Err(failure.into_error(address)),
    };
    let enabled =
        matches!(expiry.time_to_live_status(), Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
    let finding = match expiry.attribute_name() {
        Some(EXPIRES) if enabled => return Ok(None),
        Some(other) if enabled => Finding {
            severity: Severity::Warning,
            what: format!(
                "the table deletes items by the attribute {other}, not by {EXPIRES}: counters are never deleted"
            ),
            remedy: format!(
                "aws dynamodb update-time-to-live {} --time-to-live-specification Enabled=false,AttributeName={other}; an \
                 hour later: {}",
                address.arguments(),
                table::enabling_expiry(address)
            ),
        },
        _ => Finding {
            severity: Severity::Warning,
            what: "the table does not delete items that have expired: it grows with every new key".to_owned(),
            remedy: table::enabling_expiry(address),
        },
    };
    Ok(Some(finding))
}

/// Tries everything that decisions do, on a condition that never holds.
async fn look_at_permissions(connection: &Connection) -> Result<Vec<Finding>, StoreError> {
    let key = |name: &str| binary(&[connection.address().prefix.as_slice(), name.as_bytes()].concat());
    let write = |name: &str, what| Write {
        key: key(name),
        condition: Condition::new("attribute_exists(k) AND attribute_not_exists(k)"),
        what,
    };
    let (one, other) = ("permission 1", "permission 2");
    let item = Item::from([(KEY.to_owned(), key(one))]);
    let attempts = [
        ("dynamodb:PutItem", vec![write(one, What::Put(item))]),
        ("dynamodb:UpdateItem", vec![write(one, What::Update("REMOVE d"))]),
        ("dynamodb:DeleteItem", vec![write(one, What::Delete)]),
        ("dynamodb:ConditionCheckItem", vec![write(one, What::Stay), write(other, What::Stay)]),
    ];
    let mut findings = Vec::new();
    let mut note = |action: &str, failure| match failure {
        Failure::Denied(error) => {
            findings.push(denied(action, Severity::Problem, &error));
            Ok(())
        }
        // The rest has been said of the table.
        Failure::Store(StoreError::Misconfigured { .. }) | Failure::NoTable => Ok(()),
        failure => Err(failure.into_error(connection.address())),
    };
    if let Err(failure) = request::read(connection, vec![key(one)]).await {
        note("dynamodb:GetItem", failure)?;
    }
    for (action, writes) in attempts {
        if let Err(failure) = request::write(connection, writes).await {
            note(action, failure)?;
        }
    }
    Ok(findings)
}

fn denied(action: &str, severity: Severity, error: &StoreError) -> Finding {
    Finding {
        severity,
        what: error.to_string(),
        remedy: format!("allow {action} on the table to the role or user of this process"),
    }
}

/// Notes the date of an answer.
#[derive(Clone, Debug, Default)]
struct Dated(Arc<Mutex<Option<i64>>>);

impl Dated {
    fn ahead_of(&self, now: Timestamp) -> Option<i64> {
        let date = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        date.zip(i64::try_from(now.as_micros() / 1_000_000).ok()).map(|(date, now)| date - now)
    }
}

impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "date of the answer"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| date.secs());
        Ok(())
    }
}
