//! The table: what it must be, and creating it.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription,
    TableStatus, TimeToLiveDescription, TimeToLiveSpecification, TimeToLiveStatus,
};
use ratekeeper_store::StoreError;

use crate::address::Address;
use crate::failure::{Failure, misconfigured, unavailable};
use crate::item::{EXPIRES, KEY};

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Creates the table if there is none, waits until it can be used, and has it delete what has expired.
pub(crate) async fn create(client: &Client, address: &Address) -> Result<(), StoreError> {
    loop {
        let table = match describe(client, address).await {
            Ok(table) => table,
            Err(Failure::NoTable) => {
                create_table(client, address).await?;
                continue;
            }
            Err(failure) => return Err(failure.into_error(address)),
        };
        match table.table_status() {
            Some(TableStatus::Active | TableStatus::Updating) | None => {
                check_key(&table, address)?;
                break;
            }
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
    let expiry = describe_expiry(client, address).await.map_err(|failure| failure.into_error(address))?;
    match expiry.time_to_live_status() {
        // Somebody has chosen another attribute: that is for an examination to tell.
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => Ok(()),
        _ => enable_expiry(client, address).await,
    }
}

pub(crate) async fn describe(client: &Client, address: &Address) -> Result<TableDescription, Failure> {
    let answer = client.describe_table().table_name(&address.table).send().await.map_err(Failure::of)?;
    answer.table.ok_or_else(|| Failure::Store(unavailable("DynamoDB describes no table")))
}

pub(crate) async fn describe_expiry(
    client: &Client,
    address: &Address,
) -> Result<TimeToLiveDescription, Failure> {
    let answer = client.describe_time_to_live().table_name(&address.table).send().await;
    let answer = answer.map_err(Failure::of)?;
    answer
        .time_to_live_description
        .ok_or_else(|| Failure::Store(unavailable("DynamoDB describes no expiry")))
}

async fn create_table(client: &Client, address: &Address) -> Result<(), StoreError> {
    let attribute = AttributeDefinition::builder()
        .attribute_name(KEY)
        .attribute_type(ScalarAttributeType::B)
        .build();
    let key = KeySchemaElement::builder().attribute_name(KEY).key_type(KeyType::Hash).build();
    let answer = client
        .create_table()
        .table_name(&address.table)
        .attribute_definitions(attribute.map_err(|error| incomplete(&error))?)
        .key_schema(key.map_err(|error| incomplete(&error))?)
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await;
    match answer {
        Ok(_) => Ok(()),
        // Another process was faster.
        Err(error)
            if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(Failure::of(error).into_error(address)),
    }
}

async fn enable_expiry(client: &Client, address: &Address) -> Result<(), StoreError> {
    let expiry = TimeToLiveSpecification::builder().enabled(true).attribute_name(EXPIRES).build();
    let request = client.update_time_to_live().table_name(&address.table);
    match request
        .time_to_live_specification(expiry.map_err(|error| incomplete(&error))?)
        .send()
        .await
    {
        Ok(_) => Ok(()),
        Err(error) => {
            // Another process was faster, perhaps.
            let now = describe_expiry(client, address).await;
            match now.as_ref().map(TimeToLiveDescription::time_to_live_status) {
                Ok(Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) => Ok(()),
                _ => Err(Failure::of(error).into_error(address)),
            }
        }
    }
}

/// Whether items are found by the key that this store gives them.
pub(crate) fn check_key(table: &TableDescription, address: &Address) -> Result<(), StoreError> {
    let has_key = match table.key_schema() {
        [key] => key.attribute_name() == KEY && *key.key_type() == KeyType::Hash,
        _ => false,
    };
    let is_binary = |attribute: &AttributeDefinition| {
        attribute.attribute_name() == KEY && *attribute.attribute_type() == ScalarAttributeType::B
    };
    if has_key && table.attribute_definitions().iter().any(is_binary) {
        return Ok(());
    }
    let found = table
        .key_schema()
        .iter()
        .map(|key| format!("{} ({})", key.attribute_name(), key.key_type()));
    let found = found.collect::<Vec<_>>().join(", ");
    Err(misconfigured(&format!(
        "the table {} has the key {found}; it must be one binary attribute {KEY} (HASH). A key cannot be changed: name \
         another table, and create it: {}",
        address.table,
        creating(address)
    )))
}

/// There is no table.
pub(crate) fn missing(address: &Address) -> StoreError {
    misconfigured(&format!(
        "there is no table {}: add create=true to its URL, or create it: {}",
        address.table,
        creating(address)
    ))
}

/// The commands that create the table.
pub(crate) fn creating(address: &Address) -> String {
    let arguments = address.arguments();
    format!(
        "aws dynamodb create-table {arguments} --attribute-definitions AttributeName={KEY},AttributeType=B --key-schema \
         AttributeName={KEY},KeyType=HASH --billing-mode PAY_PER_REQUEST && aws dynamodb wait table-exists {arguments} \
         && {}",
        enabling_expiry(address)
    )
}

/// The command that has the table delete what has expired.
pub(crate) fn enabling_expiry(address: &Address) -> String {
    format!(
        "aws dynamodb update-time-to-live {} --time-to-live-specification Enabled=true,AttributeName={EXPIRES}",
        address.arguments()
    )
}

/// A part of a request that was left out.
pub(crate) fn incomplete(error: &BuildError) -> StoreError {
    unavailable(&error.to_string())
}
