//! The store.

use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use futures_util::future::join_all;
use ratekeeper_core::{Key, Timestamp};
use ratekeeper_store::{
    Answer, Batch, BoxFuture, Capabilities, Clock, ClockSource, Examination, Overflow, Store, StoreError,
    SystemClock, WorkingCopy,
};

use crate::address::Address;
use crate::connection::Connection;
use crate::counters::{LARGEST_STATE, decide};
use crate::examine;
use crate::groups::{Group, answer, groups, part_of, too_large};
use crate::shared::Shared;

/// Calls of so many lanes go side by side.
const LANES: u64 = 1024;

/// How the store is set up, beyond its URL.
#[derive(Clone, Debug)]
pub struct DynamoDbConfig {
    /// By what clock it decides; the machine's without this.
    pub clock: Arc<dyn Clock>,
    /// Credentials, region and HTTP client, as an application has loaded them already; without this they are looked for
    /// when the store is first asked: in the environment, the profile, the container, the machine.
    pub sdk: Option<SdkConfig>,
}

impl Default for DynamoDbConfig {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock::new()), sdk: None }
    }
}

/// Counters in a table of Amazon DynamoDB.
///
/// It connects when it is first asked, and must be used within a tokio runtime.
///
/// ```
/// use ratekeeper_dynamodb::{DynamoDbConfig, DynamoDbStore};
/// let store = DynamoDbStore::new("dynamodb://rate_limits?region=eu-west-1", DynamoDbConfig::default())?;
/// # Ok::<_, ratekeeper_store::StoreError>(())
/// ```
pub struct DynamoDbStore {
    shared: Shared,
    clock: Arc<dyn Clock>,
}

impl DynamoDbStore {
    /// A store of the table at `url`: `dynamodb://TABLE?region=…&endpoint=…&prefix=…&create=true`.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`] if that is no URL of a table. Whether the table can be used, the first call tells.
    pub fn new(url: &str, config: DynamoDbConfig) -> Result<Self, StoreError> {
        let connection = Connection::new(Address::parse(url)?, config.sdk);
        Ok(Self { shared: Shared::new(connection), clock: config.clock })
    }

    async fn decide(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let now = batch.now.unwrap_or_else(|| self.clock.now());
        let groups = groups(batch, &WorkingCopy::of(batch)?);
        for (unit, checks) in batch.each_unit() {
            // Those that ask nothing pass.
            (unit.passes, unit.error) = (checks.is_empty(), too_large(checks.len()));
        }
        let asking = |group: &&Group| group.iter().flatten().any(|unit| !batch.checks(*unit).is_empty());
        let groups: Vec<&Group> = groups.iter().filter(asking).collect();
        match groups.as_slice() {
            [] => error_of_all(batch),
            [group] if group.len() == 1 && group[0].len() == batch.units().len() => {
                decide(&self.shared, batch, now).await
            }
            groups => self.decide_apart(batch, groups, now).await,
        }
    }

    /// Decides groups side by side; the error of one is that of its units.
    async fn decide_apart(
        &self,
        batch: &mut Batch<'_>,
        groups: &[&Group],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let whole = &*batch;
        let decided = join_all(groups.iter().map(|group| async move {
            let mut parts = Vec::with_capacity(group.len());
            for units in *group {
                let mut part = part_of(whole, units);
                let result = decide(&self.shared, &mut part, now).await;
                parts.push((units, part, result));
            }
            parts
        }));
        let decided = decided.await;
        for (units, part, result) in decided.iter().flatten() {
            answer(batch, units, part, result);
        }
        error_of_all(batch)
    }
}

/// The error of the call: that of its first unit, if all have one.
fn error_of_all(batch: &Batch<'_>) -> Result<(), StoreError> {
    let failed = batch.units().iter().filter_map(|unit| unit.error.as_ref());
    match failed.clone().next() {
        Some(error) if failed.count() == batch.units().len() => Err(error.clone()),
        _ => Ok(()),
    }
}

impl Store for DynamoDbStore {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        Answer::Later(Box::pin(self.decide(batch)))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "dynamodb",
            atomic_units: true,
            exact: true,
            survives_restart: true,
            survives_failover: true,
            clock: ClockSource::Clients,
            injectable_clock: true,
            largest_state: Some(LARGEST_STATE),
            trips: 1,
            overflow: Overflow::Unbounded,
        }
    }

    /// Calls of one key wait for each other, instead of competing for it.
    fn lane(&self, key: Key<'_>) -> u64 {
        self.shared.hash(key.bytes()) % LANES
    }

    fn examine(&self) -> BoxFuture<'_, Result<Examination, StoreError>> {
        Box::pin(examine::examine(&self.shared.connection, &*self.clock))
    }
}

impl fmt::Debug for DynamoDbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDbStore")
            .field("address", self.shared.connection.address())
            .finish_non_exhaustive()
    }
}
