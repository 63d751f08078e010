//! Rate limit counters in Amazon DynamoDB: conditional updates and transactions.

mod address;
mod condition;
mod connection;
mod counters;
mod examine;
mod failure;
mod groups;
mod guesses;
mod item;
mod request;
mod store;
mod table;

pub use aws_config::SdkConfig;
pub use store::{DynamoDbConfig, DynamoDbStore};
