//! New policies, tokens and certificates without a restart.

use std::sync::Arc;
use std::time::Duration;

use ratekeeper_policy::Policy;
use tokio::signal::unix::Signal;
use tokio::time::{MissedTickBehavior, interval};

use super::now;
use super::source::{PolicySource, Seen, Watch};
use crate::app::{App, Tokens};
use crate::command::environment;
use crate::failure::Failure;
use crate::listen::TlsSource;
use crate::settings::Layers;

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Replaces what has changed: at SIGHUP everything, else the policy when its files have.
#[derive(Debug)]
pub(super) struct Reloader {
    pub(super) app: Arc<App>,
    pub(super) layers: Layers,
    pub(super) source: Option<Arc<PolicySource>>,
    pub(super) tls: Option<Arc<TlsSource>>,
}

impl Reloader {
    pub(super) async fn run(self, mut hangup: Signal) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = Watch::new(self.source.as_ref().and_then(|source| source.first_seen));
        loop {
            tokio::select! {
                _ = hangup.recv() => {
                    if !self.reload_policy().await {
                        watch.forget();
                    }
                    self.reload_tokens();
                    self.reload_certificates();
                }
                _ = ticks.tick() => {
                    if watch.tick(self.seen().await) && !self.reload_policy().await {
                        watch.forget();
                    }
                }
            }
        }
    }

    /// What of the policy's source is seen now.
    async fn seen(&self) -> Option<Seen> {
        self.blocking(PolicySource::seen).await?
    }

    /// Asks the source where waiting for files holds up no requests.
    async fn blocking<T: Send + 'static>(&self, ask: fn(&PolicySource) -> T) -> Option<T> {
        let source = Arc::clone(self.source.as_ref()?);
        tokio::task::spawn_blocking(move || ask(&source)).await.ok()
    }

    /// Puts the policy in its files into force; if it has errors, the one in force stays. Whether the files could be read.
    async fn reload_policy(&self) -> bool {
        let Some(loaded) = self.blocking(PolicySource::load).await else {
            return true;
        };
        let read = !matches!(loaded, Err(Failure::Read { .. }));
        match loaded {
            Ok(policy) if policy.version() == self.app.engine.policy_version() => {
                // Perhaps it was wrong for a while.
                if self.app.policy.get().last_error.is_some() {
                    self.succeeded();
                }
                tracing::info!(policy = policy.version(), "the policy has not changed");
            }
            Ok(policy) => self.replace(policy),
            Err(failure) => self.failed(&failure.to_string()),
        }
        read
    }

    fn replace(&self, policy: Policy) {
        let version = policy.version().to_owned();
        for warning in policy.warnings() {
            tracing::warn!("{warning}");
        }
        match self.app.engine.swap(policy) {
            Ok(()) => {
                self.succeeded();
                tracing::info!(policy = version, "a new policy is in force");
            }
            Err(error) => self.failed(&error.to_string()),
        }
    }

    fn succeeded(&self) {
        self.app.policy.loaded(now(&self.app));
        self.app.metrics.policy_reloaded(true);
    }

    fn failed(&self, error: &str) {
        tracing::error!(in_force = self.app.engine.policy_version(), "the policy is not replaced: {error}");
        self.app.policy.failed(now(&self.app), error.to_owned());
        self.app.metrics.policy_reloaded(false);
    }

    fn reload_tokens(&self) {
        match self.layers.load(&environment) {
            Ok(loaded) => {
                let (check, operator) = (loaded.settings.check_tokens, loaded.settings.operator_tokens);
                tracing::info!(check = check.len(), operator = operator.len(), "the tokens were read again");
                self.app.tokens.store(Arc::new(Tokens { check, operator }));
            }
            Err(error) => tracing::error!("the tokens stay as they are: {error}"),
        }
    }

    fn reload_certificates(&self) {
        match self.tls.as_ref().map(|tls| tls.reload()) {
            Some(Err(error)) => tracing::error!("the certificates stay as they are: {error}"),
            Some(Ok(())) => tracing::info!("the certificates were read again"),
            None => {}
        }
    }
}
