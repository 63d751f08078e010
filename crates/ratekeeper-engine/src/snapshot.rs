//! What one request sees: a policy, and the stores that it names.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratekeeper_policy::{Overflow as PolicyOverflow, Policy, StoreConfig, StoreKind};
use ratekeeper_store::{Capabilities, Clock, ClockSource, MemoryConfig, MemoryStore, Overflow, Store};

use crate::EngineError;

/// Stores by name, kept from one policy to the next.
pub(crate) type Stores = BTreeMap<String, Arc<dyn Store>>;

/// A policy with its stores: immutable, swapped as a whole.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) policy: Policy,
    pub(crate) stores: Stores,
    /// The stores that rules use, each once.
    pub(crate) used: Vec<UsedStore>,
    /// For each rule, the place of its store in `used`.
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

impl Snapshot {
    /// Resolves the stores of `policy`: given ones, then those of the policy before (so that counters survive), then new
    /// memory stores.
    pub(crate) fn new(
        policy: Policy,
        given: &Stores,
        before: Option<&Stores>,
        only: Option<&Arc<dyn Store>>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, EngineError> {
        let mut stores = Stores::new();
        for (name, config) in policy.stores() {
            // Only memory stores are made here, so only those can live on.
            let made =
                before.filter(|_| config.kind == StoreKind::Memory).and_then(|stores| stores.get(name));
            let known = only.or_else(|| given.get(name)).or(made);
            let store = match known {
                Some(store) => Arc::clone(store),
                None => make_store(name, config, clock)?,
            };
            stores.insert(name.to_owned(), store);
        }
        let mut used: Vec<UsedStore> = Vec::new();
        let mut store_of_rule = Vec::new();
        for rule in policy.rules() {
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
            store_of_rule.push(place);
        }
        let answers_at_once = used.iter().all(|used| used.store.capabilities().trips == 0);
        Ok(Self { policy, stores, used, store_of_rule, answers_at_once })
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
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, EngineError> {
    if config.kind != StoreKind::Memory {
        let (name, kind) = (name.to_owned(), config.kind.name().to_owned());
        return Err(EngineError::StoreMissing { name, kind });
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
