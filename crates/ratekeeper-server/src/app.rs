//! What all requests to the server share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::body::Bytes;
use http::HeaderValue;
use ratekeeper_engine::{Engine, Outcome};
use ratekeeper_http::Dialect;
use ratekeeper_policy::Attributes;
use tokio::sync::watch;

use crate::envoy::EnvoyAnswers;
use crate::metrics::Metrics;
use crate::policy_status::PolicyStatus;
use crate::refusal_log::RefusalLog;
use crate::stores::Stores;
use crate::tokens::TokenHash;
use crate::top::RefusedSubjects;
use crate::traces::{self, Traces};

/// What the server is made with.
#[derive(Debug)]
pub(crate) struct AppSettings {
    pub(crate) dialect: Dialect,
    /// The most that is added to `Retry-After`, at random.
    pub(crate) retry_jitter: Duration,
    /// What refused clients of `/v1/authorize` are answered instead of a problem.
    pub(crate) refusal: Option<Refusal>,
    /// What the answers of Envoy's rate limit service carry.
    pub(crate) envoy: EnvoyAnswers,
    /// The most bytes of a request's body.
    pub(crate) body_bytes: usize,
    /// How long a body may take to arrive.
    pub(crate) body_timeout: Duration,
    /// Refusals that are logged a second.
    pub(crate) logged_refusals: u64,
}

/// A body of the user's own for refusals.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) content_type: HeaderValue,
    pub(crate) body: Bytes,
}

/// Who may ask.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    /// Who may ask for decisions; everybody if there are none.
    pub(crate) check: Vec<TokenHash>,
    /// Who may see and change counters; nobody if there are none.
    pub(crate) operator: Vec<TokenHash>,
}

impl Tokens {
    /// Whether whoever has this token may ask for decisions.
    pub(crate) fn let_check(&self, token: &TokenHash) -> bool {
        // Whoever may change counters may ask for decisions.
        token.is_among(&self.check) | token.is_among(&self.operator)
    }
}

/// The server behind all of its connections.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    /// Those of the engine that are asked over a network.
    pub(crate) stores: Arc<Stores>,
    pub(crate) settings: AppSettings,
    pub(crate) tokens: ArcSwap<Tokens>,
    pub(crate) metrics: Metrics,
    pub(crate) policy: PolicyStatus,
    pub(crate) refused: RefusedSubjects,
    /// Where spans go, if anywhere.
    pub(crate) traces: Option<Traces>,
    refusal_log: RefusalLog,
    ready: watch::Sender<bool>,
    started: Instant,
}

impl App {
    /// # Errors
    /// If the metrics cannot be registered.
    pub(crate) fn new(
        engine: Engine,
        stores: Arc<Stores>,
        settings: AppSettings,
        tokens: Tokens,
        traces: Option<Traces>,
    ) -> Result<Self, prometheus::Error> {
        let logged = settings.logged_refusals;
        Ok(Self {
            policy: PolicyStatus::new(engine.now()),
            engine: Arc::new(engine),
            stores,
            settings,
            tokens: ArcSwap::from_pointee(tokens),
            metrics: Metrics::new()?,
            refused: RefusedSubjects::default(),
            traces,
            refusal_log: RefusalLog::new(logged),
            ready: watch::Sender::new(false),
            started: instant(),
        })
    }

    /// Whether the server takes requests: not before it has started, nor while it ends.
    pub(crate) fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.send_replace(ready);
    }

    /// [`is_ready`](Self::is_ready), and how it changes.
    pub(crate) fn watch_ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// How long the server has run.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Notes a decision about a request with these parts: for metrics, the refused subjects and the log. Never waits.
    pub(crate) fn record(&self, outcome: &Outcome, parts: &[Attributes<'_>], began: Instant) {
        self.metrics.record(outcome, began.elapsed());
        self.metrics.subjects.record(outcome, parts);
        if self.traces.is_some() {
            traces::note(outcome);
        }
        if !outcome.allowed() {
            self.refused.record(outcome, parts);
            self.refusal_log.record(outcome, parts);
        }
    }
}

/// Now, for measuring.
// The edge where decisions are measured.
#[allow(clippy::disallowed_methods)]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
