//! What the server counts, for Prometheus. Labels are bounded by the policy: a subject is never one.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use prometheus::{
    Encoder as _, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use ratekeeper_engine::{Decision, Engine, LimitOutcome, Outcome};
use ratekeeper_http::Degradation;
use ratekeeper_policy::Mode;

use crate::listen::ConnectionStats;
use crate::memory_limit::memory_limit;
use crate::refusal_log::reason;
use crate::resp::RedisStats;
use crate::store_metrics::StoreMetrics;
use crate::stores::Stores;
use crate::subject_metrics::SubjectMetrics;

/// All metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) connections: ConnectionStats,
    pub(crate) redis: RedisStats,
    requests: IntCounterVec,
    grpc_requests: IntCounterVec,
    /// Answers of the hot paths, resolved once.
    pub(crate) checks_answered: IntCounter,
    grpc_answered: IntCounter,
    decisions: [IntCounter; 3],
    refusals: IntCounterVec,
    rule_decisions: IntCounterVec,
    degraded: IntCounterVec,
    client_ip_degraded: IntCounterVec,
    duration: Histogram,
    policy_info: IntGaugeVec,
    reloads: IntCounterVec,
    reload_successful: IntGauge,
    policy_loaded: Gauge,
    memory_limit: IntGauge,
    stores: StoreMetrics,
    pub(crate) subjects: SubjectMetrics,
    /// One page at a time: what is counted elsewhere is copied for it.
    page: Mutex<()>,
    /// The counters of rules, resolved once for each policy.
    rules: ArcSwap<RuleTable>,
}

/// What one policy's rules have decided.
#[derive(Debug, Default)]
struct RuleTable {
    version: String,
    rules: Vec<RuleCounters>,
}

/// What one rule has decided.
#[derive(Clone, Debug)]
pub(crate) struct RuleCounters {
    pub(crate) allowed: IntCounter,
    pub(crate) denied: IntCounter,
    pub(crate) degraded: IntCounter,
}

const DECISIONS: [&str; 3] = ["allow", "deny", "delay"];
const REASONS: [&str; 4] = ["limit", "listed", "missing_key", "store_failure"];
/// From 1 us, as memory decides, to 1 s.
const BUCKETS: [f64; 14] = [
    1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 2.5e-3, 1e-2, 5e-2, 0.25, 1.0,
];

impl Metrics {
    /// # Errors
    /// If two metrics have one name: a mistake of ours.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let counters = |name, help, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok(counters)
        };
        let gauges = |name, help, labels: &[&str]| -> Result<IntGaugeVec, prometheus::Error> {
            let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauges.clone()))?;
            Ok(gauges)
        };
        let decisions = counters("ratekeeper_decisions_total", "Requests decided.", &["decision"])?;
        let duration = Histogram::with_opts(
            HistogramOpts::new("ratekeeper_check_duration_seconds", "How long decisions took.")
                .buckets(BUCKETS.to_vec()),
        )?;
        registry.register(Box::new(duration.clone()))?;
        let reload_successful = IntGauge::new(
            "ratekeeper_policy_last_reload_successful",
            "Whether the last attempt to load a policy succeeded.",
        )?;
        let policy_loaded = Gauge::new(
            "ratekeeper_policy_loaded_timestamp_seconds",
            "When the policy in force was loaded, since the epoch.",
        )?;
        registry.register(Box::new(reload_successful.clone()))?;
        registry.register(Box::new(policy_loaded.clone()))?;
        reload_successful.set(1);
        let memory_limit = IntGauge::new(
            "ratekeeper_memory_limit_bytes",
            "The most memory that the process can have: of its control group, or of the machine.",
        )?;
        registry.register(Box::new(memory_limit.clone()))?;
        gauges("ratekeeper_build_info", "The program that runs.", &["version"])?
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        let reloads =
            counters("ratekeeper_policy_reloads_total", "Attempts to load a new policy.", &["result"])?;
        for result in ["success", "failure"] {
            reloads.with_label_values(&[result]);
        }
        let client_ip_degraded = counters(
            "ratekeeper_client_ip_degraded_total",
            "Requests counted for a proxy, since what it says of its client cannot be believed.",
            &["reason"],
        )?;
        for why in Degradation::ALL {
            client_ip_degraded.with_label_values(&[why.name()]);
        }
        let refusals =
            counters("ratekeeper_refusals_total", "Requests refused, by why they were.", &["reason"])?;
        // There from the start: the first refusal would be no increase of what is not there.
        for reason in REASONS {
            refusals.with_label_values(&[reason]);
        }
        let requests =
            counters("ratekeeper_http_requests_total", "Requests answered.", &["endpoint", "code"])?;
        let grpc_requests = counters("ratekeeper_grpc_requests_total", "Calls of gRPC answered.", &["code"])?;
        Ok(Self {
            connections: ConnectionStats::new(&registry)?,
            redis: RedisStats::new(&registry)?,
            checks_answered: requests.with_label_values(&["/v1/check", "200"]),
            requests,
            grpc_answered: grpc_requests.with_label_values(&["OK"]),
            grpc_requests,
            decisions: DECISIONS.map(|decision| decisions.with_label_values(&[decision])),
            refusals,
            rule_decisions: counters(
                "ratekeeper_rule_decisions_total",
                "Requests that met a rule, by what the rule alone says.",
                &["rule", "mode", "decision"],
            )?,
            degraded: counters(
                "ratekeeper_rule_degraded_total",
                "Requests that met a rule whose counter could not be asked as it should be.",
                &["rule"],
            )?,
            client_ip_degraded,
            duration,
            policy_info: gauges("ratekeeper_policy_info", "The policy in force.", &["version"])?,
            reloads,
            reload_successful,
            policy_loaded,
            memory_limit,
            stores: StoreMetrics::new(&registry)?,
            subjects: SubjectMetrics::new(&registry)?,
            page: Mutex::default(),
            rules: ArcSwap::default(),
            registry,
        })
    }

    /// Notes a decision.
    pub(crate) fn record(&self, outcome: &Outcome, took: Duration) {
        self.duration.observe(took.as_secs_f64());
        let decision = match outcome.decision {
            Decision::Allow => 0,
            Decision::Deny(_) => 1,
            Decision::Delay(_) => 2,
        };
        self.decisions[decision].inc();
        if let Some(reason) = reason(outcome) {
            self.refusals.with_label_values(&[reason]).inc();
        }
        let table = self.table(outcome);
        for limits in outcome.limits.chunk_by(|one, next| (one.part, one.rule) == (next.part, next.rule)) {
            if let Some(counters) = limits.first().and_then(|limit| table.rules.get(limit.rule)) {
                counters.record(limits);
            }
        }
        for counters in outcome.missing_key.iter().filter_map(|rule| table.rules.get(*rule)) {
            counters.denied.inc();
        }
    }

    fn table(&self, outcome: &Outcome) -> arc_swap::Guard<Arc<RuleTable>> {
        let table = self.rules.load();
        if table.version == outcome.policy().version() {
            return table;
        }
        // Once for each policy, or a few times while two are in use.
        let policy = outcome.policy();
        // The last one is that of limits which requests bring along.
        let rules = (0..=policy.rules().len()).map(|index| policy.rule(index));
        self.rules.store(Arc::new(RuleTable {
            version: policy.version().to_owned(),
            rules: rules.map(|rule| self.rule(rule.name(), rule.mode())).collect(),
        }));
        self.rules.load()
    }

    /// What a rule has decided since the start.
    pub(crate) fn rule(&self, name: &str, mode: Mode) -> RuleCounters {
        let decided = |decision| self.rule_decisions.with_label_values(&[name, mode.name(), decision]);
        RuleCounters {
            allowed: decided("allow"),
            denied: decided("deny"),
            degraded: self.degraded.with_label_values(&[name]),
        }
    }

    /// Notes an answer.
    pub(crate) fn answered(&self, endpoint: &str, status: http::StatusCode) {
        self.requests.with_label_values(&[endpoint, status.as_str()]).inc();
    }

    /// Notes the answer to a call of gRPC.
    pub(crate) fn grpc_answered(&self, code: tonic::Code) {
        match code {
            tonic::Code::Ok => self.grpc_answered.inc(),
            code => self.grpc_requests.with_label_values(&[format!("{code:?}")]).inc(),
        }
    }

    /// Notes that a client's address is that of a proxy.
    pub(crate) fn client_ip_degraded(&self, why: Degradation) {
        self.client_ip_degraded.with_label_values(&[why.name()]).inc();
    }

    /// Notes an attempt to load a policy.
    pub(crate) fn policy_reloaded(&self, success: bool) {
        self.reloads.with_label_values(&[if success { "success" } else { "failure" }]).inc();
        self.reload_successful.set(i64::from(success));
    }

    /// The page that Prometheus reads.
    ///
    /// # Errors
    /// If a metric has no value: a mistake of ours.
    pub(crate) fn page(
        &self,
        engine: &Engine,
        stores: &Stores,
        policy_loaded: f64,
    ) -> Result<Vec<u8>, prometheus::Error> {
        let _alone = self.page.lock();
        self.policy_info.reset();
        self.policy_info.with_label_values(&[&engine.policy_version()]).set(1);
        self.policy_loaded.set(policy_loaded);
        if let Some(bytes) = memory_limit() {
            self.memory_limit.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        self.stores.set_memory(&engine.memory_stats());
        self.stores.set_bounds(&engine.current());
        self.stores.set_remote(&stores.stats());
        let mut page = Vec::with_capacity(16 << 10);
        TextEncoder::new().encode(&self.registry.gather(), &mut page)?;
        Ok(page)
    }
}

impl RuleCounters {
    fn record(&self, limits: &[LimitOutcome]) {
        if limits.iter().all(|limit| limit.allowed) {
            self.allowed.inc();
        } else {
            self.denied.inc();
        }
        if limits.iter().any(|limit| limit.degraded.is_some()) {
            self.degraded.inc();
        }
    }
}
