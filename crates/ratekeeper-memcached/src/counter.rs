//! One key of a batch, and the node that has it.

use ratekeeper_core::{Key, Micros, Timestamp};
use ratekeeper_store::{Batch, StoreError};

use crate::MemcachedStore;
use crate::client::{Node, Reply};
use crate::item::{Name, Prefix};

/// What was decided at an instant that a caller chose is kept so much longer: time may go on before the next is asked.
const MARGIN: Micros = Micros::from_secs(60);

/// A key, and where it is.
pub(crate) struct Counter<'s, 'b> {
    pub(crate) key: Key<'b>,
    pub(crate) store: &'s MemcachedStore,
    pub(crate) node: &'s Node,
    /// How much longer than it counts a state is kept.
    margin: Micros,
}

impl<'s, 'b> Counter<'s, 'b> {
    pub(crate) fn new(store: &'s MemcachedStore, key: Key<'b>, batch: &Batch<'_>) -> Self {
        let node = store.node_of(key);
        let margin = if batch.now.is_some() { MARGIN } else { store.skew };
        Self { key, store, node, margin }
    }

    pub(crate) fn prefix(&self) -> &'s Prefix {
        &self.store.prefix
    }

    /// The instant to decide at.
    pub(crate) fn now(&self, batch: &Batch<'_>) -> Timestamp {
        batch.now.unwrap_or_else(|| self.store.clock.now())
    }

    /// How long memcached is to keep what counts for `span`: clients whose clocks are behind still look at it.
    pub(crate) fn lifetime(&self, span: Micros) -> u32 {
        self.store.lifetimes.at_least(Micros::new(span.get().saturating_add(self.margin.get())))
    }

    pub(crate) async fn ask(&self, command: Vec<u8>) -> Result<Reply, StoreError> {
        self.node.ask(command).await
    }

    pub(crate) async fn tell(&self, command: Vec<u8>) -> Result<(), StoreError> {
        self.node.tell(command).await
    }

    /// The error that a reply is which does not answer the question.
    pub(crate) fn refused(&self, reply: &Reply) -> StoreError {
        match reply {
            Reply::Refused(why) if why.contains("ut of memory") => {
                self.node.unavailable(&format!("{why}; give it more memory (-m)"))
            }
            Reply::Refused(why) => self.node.unavailable(why),
            _ => self.node.unavailable("it answers something else than was asked"),
        }
    }

    pub(crate) fn without_cas(&self) -> StoreError {
        self.misconfigured("runs with -C, so without compare-and-swap; start it without -C")
    }

    /// An item of ours that we have not written.
    pub(crate) fn foreign(&self, name: &Name) -> StoreError {
        let name = name.text.escape_ascii();
        self.misconfigured(&format!("has something else than a counter in {name}; use another ?prefix="))
    }

    fn misconfigured(&self, why: &str) -> StoreError {
        StoreError::Misconfigured { reason: format!("memcached at {} {why}", self.node.address()) }
    }
}
