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

impl StoreKind {
    /// The kind that a url is of, by what it begins with.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        let (scheme, _) = url.split_once(':')?;
        Some(match scheme.to_ascii_lowercase().as_str() {
            "redis" | "rediss" | "valkey" | "valkeys" | "unix" | "redis+unix" | "redis-cluster"
            | "rediss-cluster" | "redis-sentinel" | "rediss-sentinel" => Self::Redis,
            "postgres" | "postgresql" => Self::Postgres,
            "memcached" | "memcache" | "memcached+unix" => Self::Memcached,
            "dynamodb" => Self::Dynamodb,
            _ => return None,
        })
    }
}

/// How long a decision waits for a store that is not in this process, unless the policy says otherwise.
pub(crate) const DEFAULT_DEADLINE: Micros = Micros::new(20_000);

/// One store of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreConfig {
    /// Which store.
    pub kind: StoreKind,
    /// Where it is; always there, but for memory.
    pub url: Option<Secret>,
    /// How long a decision waits for it before the rule's failure policy decides; of no meaning for memory.
    pub deadline: Micros,
    /// Whether checks that wait for it at the same time travel together.
    pub coalesce: bool,
    /// Whether it is left alone for a while when it keeps failing.
    pub breaker: bool,
    /// Whether a subject that was just refused is refused without asking it, for a second at most.
    pub deny_cache: bool,
    /// The most keys that a memory store holds.
    pub max_keys: Option<u64>,
    /// The most bytes that a memory store holds.
    pub max_bytes: Option<u64>,
    /// What a full memory store does.
    pub overflow: Overflow,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            kind: StoreKind::Memory,
            url: None,
            deadline: DEFAULT_DEADLINE,
            coalesce: true,
            breaker: true,
            deny_cache: true,
            max_keys: None,
            max_bytes: None,
            overflow: Overflow::default(),
        }
    }
}
