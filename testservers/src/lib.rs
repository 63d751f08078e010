//! Private instances of real servers, for tests and benchmarks.
//!
//! Each has its own free port and its own folder, is ready when its constructor returns, and is gone when it is dropped;
//! also if the process that started it is killed. Everything blocks and nothing needs a runtime; what cannot go on
//! panics and shows the log of the server. `cargo xtask test` installs the programs.
//!
//! ```
//! let redis = testservers::Redis::start();
//! assert_eq!(redis.command(&["SET", "a", "1"]), "OK");
//! redis.kill();
//! redis.restart();
//! assert_eq!(redis.command(&["GET", "a"]), "", "nothing is kept on disk");
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests and benchmarks use this: they fail by panicking"
)]

pub mod bench;
mod certificates;
mod cluster;
mod dynamodb;
mod folder;
mod memcached;
mod port;
mod postgres;
mod process;
mod program;
mod redis;
mod resp;
mod sentinel;
pub mod usage;

pub use certificates::Certificates;
pub use cluster::Cluster;
pub use dynamodb::DynamoDb;
pub use memcached::Memcached;
pub use port::free_address;
pub use postgres::{Pooler, Postgres};
pub use process::{Process, eventually};
pub use redis::{Flavour, Options as RedisOptions, Redis};
pub use sentinel::Sentinel;
