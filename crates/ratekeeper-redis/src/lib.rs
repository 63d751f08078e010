//! Rate limit counters in Redis, Redis Cluster, Sentinel or Valkey: one script per batch.
//!
//! [`RedisStore`] is a [`Store`](ratekeeper_store::Store) at a URL:
//!
//! - `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS;
//! - `unix:///path/to/socket`, or `redis+unix://`;
//! - `redis-sentinel://[user[:password]@]host[:port],…/name-of-the-master`, or `rediss-sentinel://`;
//! - `redis-cluster://[user[:password]@]host[:port],…`, or `rediss-cluster://`;
//! - each with `valkey` in the place of `redis`.
//!
//! Parameters: `prefix` is what all keys begin with; `ca` is a file of certificates to trust instead of the system's; `db`
//! is the database where the path has no place for it; `sentinel_user` and `sentinel_password` are for the sentinels.
//!
//! # How it decides
//! A batch is translated into a program, which the script in `kernel/` runs in one atomic step: it reads all counters,
//! decides unit after unit as [`step`](ratekeeper_core::step()) does, writes each changed counter once, and answers with its
//! now, the states as they were found, and what it decided. The verdicts are derived here, by the same
//! [`WorkingCopy`](ratekeeper_store::WorkingCopy) as for every other store, from those states at that now; and what was
//! decided here is compared with what was decided there. So of all formulas only the decision exists twice, and a
//! difference is an error, never a wrong answer.
//!
//! Lua computes in doubles, which are exact up to 2^53: products that may be larger are divided before they are
//! sent (GCRA counts in pairs of microseconds and ticks) or taken apart in the script.
//!
//! # Where things are
//! `location` reads URLs, `dial` connects, `opened` does it once for all callers and not too often, `node`, `sentinel` and
//! `cluster` find who is to be asked, `failure` says what an error means; `program` and `question` write what the
//! script reads, `state` reads what it writes; `foreign` is about keys
//! that others have written.

mod cluster;
mod dial;
mod examine;
mod failure;
mod foreign;
mod location;
mod node;
mod opened;
mod program;
mod question;
mod script;
mod sentinel;
mod slot;
mod state;
mod store;
mod tls;

pub use store::RedisStore;
