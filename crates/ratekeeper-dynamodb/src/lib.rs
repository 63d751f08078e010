//! Rate limit counters in Amazon DynamoDB: conditional updates and transactions.
//!
//! [`DynamoDbStore`] is made from a URL, `dynamodb://TABLE?region=…&endpoint=…&prefix=…&create=true`; the guide's page
//! says what the table, the credentials and the permissions must be, and what a check costs.
//!
//! # How it decides
//! Units that have a key in common are decided together (`groups`), others side by side. `counters` decides them with
//! core's step, over what this process saw of the counters last (`guesses`), and writes what has changed on the condition
//! that the table still has what was thought (`condition`). If not, the table says what it has, and they are decided
//! anew. One key is one write; several are one transaction, in which what only matters is checked. A refusal stands only
//! over what has been read or returned at one instant.
//!
//! What takes from a bucket or a fixed window is added without knowing to what, if the sum of all costs fits: the only
//! formula that is not core's. The table returns what it was added to, and the verdicts follow from that.
//!
//! Whether an item is expired, its state tells by itself: see `item`.

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
mod shared;
mod store;
mod table;

pub use aws_config::SdkConfig;
pub use store::{DynamoDbConfig, DynamoDbStore};
