//! What the policy says of stores; the stores themselves live elsewhere.

use ratekeeper_core::Micros;

use crate::decode::choice;
use crate::secret::Secret;

choice! {
    /// The kinds of stores.
    pub enum StoreKind {
        /// In this process.
        Memory = "memory",
        /// Redis or a server that speaks its protocol.
        Redis = "redis" | "valkey",
        /// PostgreSQL.
        Postgres = "postgres" | "postgresql",
        /// Memcached.
        Memcached = "memcached" | "memcache",
        /// Amazon DynamoDB or a server that speaks its protocol.
        Dynamodb = "dynamodb",
    }
}

choice! {
    /// What a full memory store does with a subject that it does not know yet.
    pub enum Overflow {
        /// New subjects of a limit share counters.
        Share = "share",
        /// New subjects are refused.
        Deny = "deny",
        /// The subject that was idle longest is forgotten.
        Evict = "evict",
    }
}

/// One store of a policy.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StoreConfig {
    /// Which store.
    pub kind: StoreKind,
    /// Where it is; always there, but for memory.
    pub url: Option<Secret>,
    /// How long a decision waits for it before the rule's failure policy decides.
    pub deadline: Option<Micros>,
    /// The most keys that a memory store holds.
    pub max_keys: Option<u64>,
    /// The most bytes that a memory store holds.
    pub max_bytes: Option<u64>,
    /// What a full memory store does.
    pub overflow: Overflow,
}
