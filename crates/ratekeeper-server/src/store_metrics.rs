//! What the server tells of its stores, for Prometheus.

use std::collections::BTreeMap;

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use ratekeeper_policy::{Policy, StoreKind};
use ratekeeper_store::{BreakerState, MemoryConfig, MemoryStats, StoreError, WrapperStats};

/// Metrics of stores, set when they are asked for.
#[derive(Debug)]
pub(crate) struct StoreMetrics {
    keys: IntGaugeVec,
    bytes: IntGaugeVec,
    max_keys: IntGaugeVec,
    max_bytes: IntGaugeVec,
    overflows: IntGaugeVec,
    remote: RemoteMetrics,
}

/// Metrics of stores that are asked over a network. Counted elsewhere, and copied.
#[derive(Debug)]
struct RemoteMetrics {
    calls: IntCounterVec,
    errors: IntCounterVec,
    coalesced: IntCounterVec,
    from_cache: IntCounterVec,
    opened: IntCounterVec,
    breaker: IntGaugeVec,
    waiting: IntGaugeVec,
}

impl StoreMetrics {
    /// # Errors
    /// If a metric has the name of another: a mistake of ours.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauges = |name, help, labels: &[&str]| -> Result<IntGaugeVec, prometheus::Error> {
            let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauges.clone()))?;
            Ok(gauges)
        };
        let counters = |name, help, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok(counters)
        };
        Ok(Self {
            keys: gauges("ratekeeper_store_keys", "Counters in a memory store.", &["store"])?,
            bytes: gauges("ratekeeper_store_bytes", "Memory of a memory store.", &["store"])?,
            max_keys: gauges(
                "ratekeeper_store_max_keys",
                "The most counters of a memory store.",
                &["store"],
            )?,
            max_bytes: gauges(
                "ratekeeper_store_max_bytes",
                "The most memory of a memory store.",
                &["store"],
            )?,
            overflows: gauges(
                "ratekeeper_store_overflows",
                "What a full memory store has done since the start: shared, refused, or forgotten counters.",
                &["store", "action"],
            )?,
            remote: RemoteMetrics {
                calls: counters(
                    "ratekeeper_store_calls_total",
                    "Decisions asked of a store over a network.",
                    &["store"],
                )?,
                errors: counters(
                    "ratekeeper_store_errors_total",
                    "Decisions that a store did not give, by why.",
                    &["store", "kind"],
                )?,
                coalesced: counters(
                    "ratekeeper_store_coalesced_total",
                    "Decisions asked together with others.",
                    &["store"],
                )?,
                from_cache: counters(
                    "ratekeeper_store_cached_denials_total",
                    "Refusals repeated without asking the store.",
                    &["store"],
                )?,
                opened: counters(
                    "ratekeeper_store_breaker_opened_total",
                    "How often a store failed too often and was left alone for a while.",
                    &["store"],
                )?,
                breaker: gauges(
                    "ratekeeper_store_breaker_open",
                    "Whether a store is left alone: 0 no, 1 one call at a time, 2 entirely.",
                    &["store"],
                )?,
                waiting: gauges("ratekeeper_store_waiting", "Checks that wait to be asked.", &["store"])?,
            },
        })
    }

    /// Sets what memory stores say.
    pub(crate) fn set_memory(&self, stores: &[(String, MemoryStats)]) {
        for (name, stats) in stores {
            self.keys.with_label_values(&[name]).set(signed(stats.keys));
            self.bytes.with_label_values(&[name]).set(signed(stats.bytes));
            let done = [
                ("share", stats.shared),
                ("deny", stats.refused),
                ("evict", stats.evicted_live),
            ];
            for (action, count) in done {
                self.overflows.with_label_values(&[name.as_str(), action]).set(signed(count));
            }
        }
    }

    /// Sets the bounds of the memory stores of a policy.
    pub(crate) fn set_bounds(&self, policy: &Policy) {
        let usual = MemoryConfig::default();
        let memory = policy.stores().filter(|(_, config)| config.kind == StoreKind::Memory);
        for (name, config) in memory {
            let set = |gauges: &IntGaugeVec, given: Option<u64>, usual: usize| {
                gauges.with_label_values(&[name]).set(given.map_or_else(|| signed(usual), signed));
            };
            set(&self.max_keys, config.max_keys, usual.max_keys);
            set(&self.max_bytes, config.max_bytes, usual.max_bytes);
        }
    }

    /// Sets what the wrappers of all other stores have seen; by one at a time.
    pub(crate) fn set_remote(&self, stores: &BTreeMap<String, WrapperStats>) {
        let metrics = &self.remote;
        let counters = [
            &metrics.calls,
            &metrics.errors,
            &metrics.coalesced,
            &metrics.from_cache,
            &metrics.opened,
        ];
        counters.into_iter().for_each(IntCounterVec::reset);
        metrics.breaker.reset();
        metrics.waiting.reset();
        for (name, stats) in stores {
            let set = |counters: &IntCounterVec, count| counters.with_label_values(&[name]).inc_by(count);
            set(&metrics.calls, stats.calls);
            set(&metrics.coalesced, stats.coalesced);
            set(&metrics.from_cache, stats.denied_from_cache);
            set(&metrics.opened, stats.breaker_opened);
            for (kind, count) in StoreError::KINDS.iter().zip(stats.errors) {
                metrics.errors.with_label_values(&[name.as_str(), *kind]).inc_by(count);
            }
            let open = match stats.breaker {
                Some(BreakerState::Open(_)) => 2,
                Some(BreakerState::HalfOpen) => 1,
                _ => 0,
            };
            metrics.breaker.with_label_values(&[name]).set(open);
            metrics.waiting.with_label_values(&[name]).set(signed(stats.waiting));
        }
    }
}

fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
