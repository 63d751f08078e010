//! What happens to connections, for the metrics.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// By the client, or after its last answer.
    Done,
    /// No request in time.
    TooSlow,
    /// What it sent is not understood, or it broke.
    Failed,
    /// It made way for others.
    Shed,
    /// The TLS handshake failed.
    Tls,
    /// The PROXY protocol header is missing, wrong, or from somebody who is not trusted.
    ProxyProtocol,
    /// It was not done when the server ended.
    Cut,
}

impl Closed {
    const ALL: [Self; 7] = [
        Self::Done,
        Self::TooSlow,
        Self::Failed,
        Self::Shed,
        Self::Tls,
        Self::ProxyProtocol,
        Self::Cut,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::TooSlow => "too_slow",
            Self::Failed => "failed",
            Self::Shed => "shed",
            Self::Tls => "tls",
            Self::ProxyProtocol => "proxy_protocol",
            Self::Cut => "cut",
        }
    }
}

/// Counters of connections.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionStats {
    pub(super) accepted: IntCounter,
    pub(super) open: IntGauge,
    closed: IntCounterVec,
}

impl ConnectionStats {
    /// # Errors
    /// If the registry has metrics of these names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let accepted = IntCounter::new("ratekeeper_connections_accepted_total", "Connections accepted.")?;
        let open = IntGauge::new("ratekeeper_connections_open", "Connections that are open now.")?;
        let closed = IntCounterVec::new(
            Opts::new("ratekeeper_connections_closed_total", "Connections that ended, by why they did."),
            &["reason"],
        )?;
        for reason in Closed::ALL {
            closed.with_label_values(&[reason.name()]);
        }
        registry.register(Box::new(accepted.clone()))?;
        registry.register(Box::new(open.clone()))?;
        registry.register(Box::new(closed.clone()))?;
        Ok(Self { accepted, open, closed })
    }

    pub(super) fn closed(&self, reason: Closed) {
        self.closed.with_label_values(&[reason.name()]).inc();
        self.open.dec();
    }
}
