//! The store.

use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::RandomState;
use ratekeeper_core::{Key, Micros};
use ratekeeper_store::{
    Answer, Batch, BoxFuture, Capabilities, Clock, ClockSource, Examination, Overflow, Parts, Store,
    StoreError, SystemClock, WorkingCopy, apply_in_parts,
};
use tokio::time::timeout;

use crate::client::Node;
use crate::comparing::LARGEST_STATE;
use crate::counter::Counter;
use crate::counting;
use crate::item::Prefix;
use crate::lifetime::Lifetimes;
use crate::placement::Placement;
use crate::target::Target;

/// More lanes than calls under way: two keys are rarely in the same.
const LANES: u64 = 1024;

/// Counters in memcached. See the [crate's page](crate).
///
/// Its tasks, one for each node, end when it is dropped.
pub struct MemcachedStore {
    pub(crate) nodes: Vec<Node>,
    placement: Placement,
    pub(crate) prefix: Prefix,
    pub(crate) timeout: Duration,
    pub(crate) skew: Micros,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lifetimes: Lifetimes,
    /// Keyed by chance, so that nobody can choose keys that fall together.
    parts: RandomState,
}

impl MemcachedStore {
    /// The store at `url`, by the clock of this machine. Nothing is connected before it is asked.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`] if the URL is wrong, or outside a runtime of tokio.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        Self::with_clock(url, Arc::new(SystemClock::new()))
    }

    /// The same, by another clock.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_clock(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let Target { nodes, login, prefix, timeout, skew } = Target::parse(url)?;
        let placement = Placement::of(nodes.iter());
        let nodes = nodes.into_iter().map(|address| Node::new(address, login.clone(), timeout));
        Ok(Self {
            nodes: nodes.collect::<Result<_, _>>()?,
            placement,
            prefix: Prefix(prefix),
            timeout,
            skew,
            clock,
            lifetimes: Lifetimes::default(),
            parts: RandomState::default(),
        })
    }

    pub(crate) fn node_of(&self, key: Key<'_>) -> &Node {
        // There is at least one node, and placement knows just these.
        &self.nodes[self.placement.node(key.bytes())]
    }

    /// Decides a batch that is about one key.
    async fn apply_to_one(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let mut copy = WorkingCopy::of(batch)?;
        let mut keys = copy.keys();
        let (Some(key), None) = (keys.next(), keys.next()) else {
            // Two keys in one part: once in 2^64 times.
            return Err(StoreError::Contended { tries: 1 });
        };
        drop(keys);
        let counter = Counter::new(self, key, batch);
        let mut checks = (0..batch.units().len()).flat_map(|unit| batch.checks(unit));
        let Some(limit) = checks.next().map(|check| check.limit) else {
            return Ok(());
        };
        if batch.now.is_some() {
            return counter.compare_and_swap(batch, &mut copy).await;
        }
        if !checks.all(|check| counting::same_item(limit, check.limit)) {
            return self.apply_one_by_one(batch).await;
        }
        if counting::is_counted(limit) {
            let now = self.clock.now();
            return counter.count(batch, &mut copy, limit, now).await;
        }
        counter.compare_and_swap(batch, &mut copy).await
    }

    /// Decides the units after each other: at the moment of a reload one key may be asked under two limits that count in
    /// different items.
    fn apply_one_by_one<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> BoxFuture<'a> {
        Box::pin(async move {
            for (unit, checks) in batch.each_unit() {
                let mut one = Batch::new();
                one.push_by(unit.op, unit.holder, checks.iter().cloned());
                self.apply_to_one(&mut one).await?;
                unit.passes = one.units()[0].passes;
                checks.clone_from_slice(one.checks(0));
            }
            Ok(())
        })
    }
}

impl Parts for MemcachedStore {
    /// Every key by itself: no command is about two.
    fn part_of(&self, key: Key<'_>) -> u64 {
        self.parts.hash_one(key.bytes())
    }

    fn apply_part<'a, 'b: 'a>(&'a self, _: u64, batch: &'a mut Batch<'b>) -> BoxFuture<'a> {
        Box::pin(async move {
            let answer = timeout(self.timeout, self.apply_to_one(batch)).await;
            answer.unwrap_or(Err(StoreError::Timeout))
        })
    }
}

impl Store for MemcachedStore {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        Answer::Later(Box::pin(apply_in_parts(self, batch)))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "memcached",
            atomic_units: false,
            exact: true,
            survives_restart: false,
            survives_failover: false,
            clock: ClockSource::Clients,
            injectable_clock: true,
            largest_state: Some(LARGEST_STATE),
            trips: 1,
            overflow: Overflow::Evict,
        }
    }

    /// Calls for different keys do not wait for each other.
    fn lane(&self, key: Key<'_>) -> u64 {
        self.parts.hash_one(key.bytes()) % LANES
    }

    fn examine(&self) -> BoxFuture<'_, Result<Examination, StoreError>> {
        Box::pin(crate::examine::examine(self))
    }
}

impl fmt::Debug for MemcachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.nodes.iter().map(|node| node.address().to_string()).collect();
        f.debug_struct("MemcachedStore").field("nodes", &nodes).finish_non_exhaustive()
    }
}
