//! Rate limit counters in PostgreSQL: one function call per batch.
//!
//! ```no_run
//! use ratekeeper_core::{Key, Limit, Micros};
//! use ratekeeper_postgres::PostgresStore;
//! use ratekeeper_store::StoreExt as _;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = PostgresStore::new("postgres://app@localhost/app?schema=ratekeeper&connections=4")?;
//! let limit = Limit::token_bucket(100, Micros::MINUTE)?;
//! let verdict = store.take(Key::new(b"login:alice")?, &limit, 1).await?;
//! println!("{} left", verdict.remaining);
//! # Ok(())
//! # }
//! ```
//!
//! # The URL
//! What `tokio-postgres` understands, and these parameters, which are ours:
//!
//! | parameter | default | |
//! |---|---|---|
//! | `schema` | `ratekeeper` | where the table and the functions are |
//! | `connections` | 2 | how many at most, 1 to 64 |
//! | `migrate` | `auto` | `never`: a schema that is missing or older is an error; see [`migrations_sql`] |
//! | `role` | | the role that migrations run as |
//! | `prepare` | `no` | `yes`: prepared statements; not through poolers that do not follow them |
//! | `sslmode` | `prefer` | `require` and `verify-full` check the certificate and its name, `prefer` checks nothing |
//! | `sslrootcert` | the system's | a file of trusted certificates in PEM |
//!
//! # How it decides
//! The function in the server locks the rows of a batch in the order of their keys, decides over them as
//! [`step`](ratekeeper_core::step()) does, and writes. It returns the states that it found and when it decided: the verdicts are
//! derived from them in this process, and its decisions compared with what the server has done.
//!
//! The table is UNLOGGED: a clean restart keeps it, a crash empties it.

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
