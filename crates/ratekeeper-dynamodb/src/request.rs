//! The requests that read and write counters: of one item, or of several in one transaction.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Get, Put, ReturnValue,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactGetItem, TransactWriteItem, Update,
};

use crate::condition::Condition;
use crate::connection::Connection;
use crate::failure::{Failure, is_passing};
use crate::item::{Item, KEY};
use crate::table::incomplete;

/// Items of one transaction at most.
pub(crate) const MOST_ITEMS: usize = 100;

/// What is done with one item, if its condition holds.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) key: AttributeValue,
    pub(crate) condition: Condition,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// It is replaced.
    Put(Item),
    /// It is updated by this expression.
    Update(&'static str),
    /// It is deleted.
    Delete,
    /// It stays.
    Stay,
}

/// What came of a write.
#[derive(Debug)]
pub(crate) enum Written {
    /// Everything was written; an update says over what.
    Done(Option<Item>),
    /// Nothing was written, since these items, by their place, are others than was thought.
    Changed(Vec<(usize, Option<Item>)>),
    /// Nothing was written, since others were writing the same items.
    Conflict,
}

/// Reads items, all at one instant; `None` if others were writing them.
pub(crate) async fn read(
    connection: &Connection,
    keys: Vec<AttributeValue>,
) -> Result<Option<Vec<Option<Item>>>, Failure> {
    let table = connection.address().table.clone();
    let answer = connection.send(move |client| async move {
        match <[AttributeValue; 1]>::try_from(keys) {
            Ok([key]) => {
                let request = client.get_item().table_name(table).key(KEY, key).consistent_read(true);
                request.send().await.map(|answer: GetItemOutput| vec![answer.item]).map_err(Failure::of)
            }
            Err(keys) => read_together(&client, &table, keys).await,
        }
    });
    match answer.await {
        Ok(items) => Ok(Some(items)),
        Err(Failure::Conflict) => Ok(None),
        Err(Failure::Cancelled(reasons)) if reasons.iter().all(is_passing) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn read_together(
    client: &Client,
    table: &str,
    keys: Vec<AttributeValue>,
) -> Result<Vec<Option<Item>>, Failure> {
    let mut request = client.transact_get_items();
    for key in keys {
        let get = Get::builder().table_name(table).key(KEY, key).build();
        let get = get.map_err(|error| Failure::Store(incomplete(&error)))?;
        request = request.transact_items(TransactGetItem::builder().get(get).build());
    }
    let answer = request.send().await.map_err(Failure::of)?;
    Ok(answer.responses.unwrap_or_default().into_iter().map(|response| response.item).collect())
}

/// Writes items, all or none.
pub(crate) async fn write(connection: &Connection, writes: Vec<Write>) -> Result<Written, Failure> {
    let table = connection.address().table.clone();
    let answer = connection.send(move |client| async move {
        match <[Write; 1]>::try_from(writes) {
            Ok([write]) => write_one(&client, &table, write).await,
            Err(writes) => write_together(&client, &table, writes).await,
        }
    });
    match answer.await {
        Ok(found) => Ok(Written::Done(found)),
        Err(Failure::Condition(item)) => Ok(Written::Changed(vec![(0, item)])),
        Err(Failure::Conflict) => Ok(Written::Conflict),
        Err(Failure::Cancelled(reasons)) if reasons.iter().all(is_passing) => Ok(changed(reasons)),
        Err(failure) => Err(failure),
    }
}

async fn write_one(client: &Client, table: &str, write: Write) -> Result<Option<Item>, Failure> {
    if matches!(write.what, What::Stay) {
        // No request by itself is only a condition.
        return write_together(client, table, vec![write]).await;
    }
    let Write { key, condition, what } = write;
    let (text, values) = condition.into_expression();
    let on_failure = OnFailure::AllOld;
    match what {
        What::Put(item) => {
            let request = client.put_item().table_name(table).set_item(Some(item)).condition_expression(text);
            let request = request.set_expression_attribute_values(values);
            let answer = request.return_values_on_condition_check_failure(on_failure).send().await;
            answer.map(|_| None).map_err(Failure::of)
        }
        What::Update(update) => {
            let request = client.update_item().table_name(table).key(KEY, key).condition_expression(text);
            let request = request.update_expression(update).set_expression_attribute_values(values);
            let request = request.return_values(ReturnValue::AllOld);
            let answer = request.return_values_on_condition_check_failure(on_failure).send().await;
            answer.map(|answer| answer.attributes).map_err(Failure::of)
        }
        What::Delete => {
            let request = client.delete_item().table_name(table).key(KEY, key).condition_expression(text);
            let request = request.set_expression_attribute_values(values);
            let answer = request.return_values_on_condition_check_failure(on_failure).send().await;
            answer.map(|_| None).map_err(Failure::of)
        }
        What::Stay => Ok(None),
    }
}

async fn write_together(client: &Client, table: &str, writes: Vec<Write>) -> Result<Option<Item>, Failure> {
    let mut request = client.transact_write_items();
    for write in writes {
        request = request.transact_items(part(table, write)?);
    }
    request.send().await.map(|_| None).map_err(Failure::of)
}

/// One item's part of a transaction.
fn part(table: &str, write: Write) -> Result<TransactWriteItem, Failure> {
    let Write { key, condition, what } = write;
    let (text, values) = condition.into_expression();
    let on_failure = OnFailure::AllOld;
    let part = TransactWriteItem::builder();
    let part = match what {
        What::Put(item) => {
            let put = Put::builder().table_name(table).set_item(Some(item)).condition_expression(text);
            let put = put.set_expression_attribute_values(values);
            put.return_values_on_condition_check_failure(on_failure).build().map(|put| part.put(put))
        }
        What::Delete => {
            let delete = Delete::builder().table_name(table).key(KEY, key).condition_expression(text);
            let delete = delete.set_expression_attribute_values(values);
            let delete = delete.return_values_on_condition_check_failure(on_failure);
            delete.build().map(|delete| part.delete(delete))
        }
        What::Update(update) => {
            let change = Update::builder().table_name(table).key(KEY, key).condition_expression(text);
            let change = change.update_expression(update).set_expression_attribute_values(values);
            let change = change.return_values_on_condition_check_failure(on_failure);
            change.build().map(|change| part.update(change))
        }
        What::Stay => {
            let check = ConditionCheck::builder().table_name(table).key(KEY, key).condition_expression(text);
            let check = check.set_expression_attribute_values(values);
            let check = check.return_values_on_condition_check_failure(on_failure);
            check.build().map(|check| part.condition_check(check))
        }
    };
    part.map(TransactWriteItemBuilder::build)
        .map_err(|error| Failure::Store(incomplete(&error)))
}

fn changed(reasons: Vec<CancellationReason>) -> Written {
    let places = reasons.into_iter().enumerate();
    let changed = places.filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"));
    let changed: Vec<_> = changed.map(|(place, reason)| (place, reason.item)).collect();
    if changed.is_empty() {
        Written::Conflict
    } else {
        Written::Changed(changed)
    }
}
