//! Rate limit counters in PostgreSQL: one function call per batch.

mod answer;
mod array;
mod call;
mod check;
mod connection;
mod examine;
mod failure;
mod schema;
mod server;
mod store;
mod sweep;
mod tls;
mod url;

pub use schema::migrations_sql;
pub use store::PostgresStore;
