//! What one request sees: a policy, and the stores that it names.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ratekeeper_policy::{Overflow as PolicyOverflow, Policy, Rule, StoreConfig, StoreKind};
use ratekeeper_store::{Capabilities, Clock, ClockSource, MemoryConfig, MemoryStore, Overflow, Store, codec};

use crate::{Connect, EngineError};

/// Stores by name, kept from one policy to the next.
pub(crate) type Stores = BTreeMap<String, Arc<dyn Store>>;

/// A policy with its stores: immutable, swapped as a whole.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) policy: Policy,
    pub(crate) stores: Stores,
    /// The stores that rules use, each once.
    pub(crate) used: Vec<UsedStore>,
    /// For each rule, and for limits that requests bring along, the place of its store in `used`.
    pub(crate) store_of_rule: Vec<usize>,
    /// Whether every store that rules use is in this process.
    pub(crate) answers_at_once: bool,
}

#[derive(Debug)]
pub(crate) struct UsedStore {
    pub(crate) name: String,
    pub(crate) store: Arc<dyn Store>,
    /// Whether it decides by this process's clock, so that the engine's one reading serves it too.
    pub(crate) same_clock: bool,
}

/// Where the stores of a policy come from.
pub(crate) struct Sources {
    /// By their names.
    pub(crate) given: Stores,
    /// One for every name.
    pub(crate) only: Option<Arc<dyn Store>>,
    /// What makes all others but those in memory.
    pub(crate) connect: Option<Arc<Connect>>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("given", &self.given)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Resolves the stores of `policy`: given ones, then those of the policy before (so that counters and connections
    /// survive), then new ones.
    pub(crate) fn new(
        policy: Policy,
        sources: &Sources,
        before: Option<&Self>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, EngineError> {
        let mut stores = Stores::new();
        for (name, config) in policy.stores() {
            let known = sources.only.as_ref().or_else(|| sources.given.get(name));
            let store = match known.or_else(|| before?.living(name, config)) {
                Some(store) => Arc::clone(store),
                None => make_store(name, config, sources, clock)?,
            };
            stores.insert(name.to_owned(), store);
        }
        let mut used: Vec<UsedStore> = Vec::new();
        let mut store_of_rule = Vec::new();
        for index in 0..=policy.rules().len() {
            let rule = policy.rule(index);
            let place = match used.iter().position(|used| used.name == rule.store()) {
                Some(place) => place,
                None => {
                    let Some(store) = stores.get(rule.store()) else {
                        return Err(EngineError::StoreUnknown { name: rule.store().to_owned() });
                    };
                    used.push(UsedStore {
                        name: rule.store().to_owned(),
                        store: Arc::clone(store),
                        same_clock: same_clock(store.as_ref()),
                    });
                    used.len() - 1
                }
            };
            holds_states(rule, &used[place])?;
            store_of_rule.push(place);
        }
        let answers_at_once = used.iter().all(|used| used.store.capabilities().trips == 0);
        Ok(Self { policy, stores, used, store_of_rule, answers_at_once })
    }

    /// The store under this name, if the next policy's is no other.
    fn living(&self, name: &str, next: &StoreConfig) -> Option<&Arc<dyn Store>> {
        let (_, config) = self.policy.stores().find(|(known, _)| *known == name)?;
        let both_in_memory = config.kind == StoreKind::Memory && next.kind == StoreKind::Memory;
        self.stores.get(name).filter(|_| both_in_memory || config == next)
    }
}

/// Refuses limits whose states the store of their rule cannot hold.
fn holds_states(rule: &Rule, used: &UsedStore) -> Result<(), EngineError> {
    let Some(max_bytes) = used.store.capabilities().largest_state else {
        return Ok(());
    };
    let needs = rule.every_limit().map(|limit| (limit, codec::most_bytes(limit.limit())));
    match needs.max_by_key(|(_, bytes)| *bytes) {
        Some((limit, bytes)) if bytes > max_bytes => Err(EngineError::StateTooLarge {
            rule: rule.name().to_owned(),
            limit: limit.text().to_owned(),
            bytes,
            store: used.name.clone(),
            max_bytes,
        }),
        _ => Ok(()),
    }
}

/// Whether a store decides by this process's clock, so that the engine's one reading serves it too.
pub(crate) fn same_clock(store: &dyn Store) -> bool {
    let Capabilities { clock, injectable_clock, .. } = store.capabilities();
    clock == ClockSource::Process && injectable_clock
}

fn make_store(
    name: &str,
    config: &StoreConfig,
    sources: &Sources,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, EngineError> {
    if config.kind != StoreKind::Memory {
        let missing =
            || EngineError::StoreMissing { name: name.to_owned(), kind: config.kind.name().to_owned() };
        let connect = sources.connect.as_ref().ok_or_else(missing)?;
        let unusable = |reason| EngineError::StoreUnusable { name: name.to_owned(), reason };
        return connect(name, config).map_err(unusable);
    }
    let defaults = MemoryConfig::default();
    let bound = |given: Option<u64>, default: usize| {
        given.map_or(default, |number| usize::try_from(number).unwrap_or(usize::MAX))
    };
    let config = MemoryConfig {
        max_keys: bound(config.max_keys, defaults.max_keys),
        max_bytes: bound(config.max_bytes, defaults.max_bytes),
        overflow: match config.overflow {
            PolicyOverflow::Deny => Overflow::Deny,
            PolicyOverflow::Evict => Overflow::Evict,
            _ => Overflow::Share,
        },
    };
    Ok(Arc::new(MemoryStore::with_clock(config, Arc::clone(clock))))
}
