//! New policies, tokens and certificates without a restart.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ratekeeper_policy::Policy;
use tokio::signal::unix::Signal;
use tokio::time::{MissedTickBehavior, interval};

use super::now;
use crate::app::{App, Tokens};
use crate::cli::Variables;
use crate::command::{environment, load_policy};
use crate::listen::TlsSource;
use crate::settings::Layers;

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// How the policy is read.
#[derive(Debug)]
pub(crate) struct PolicySource {
    pub(crate) path: PathBuf,
    pub(crate) variables: Variables,
}

/// Replaces what has changed: at SIGHUP everything, else the policy when its file has.
#[derive(Debug)]
pub(super) struct Reloader {
    pub(super) app: Arc<App>,
    pub(super) layers: Layers,
    pub(super) source: Option<PolicySource>,
    pub(super) tls: Option<Arc<TlsSource>>,
}

impl Reloader {
    pub(super) async fn run(self, mut hangup: Signal) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = FileWatch::new(self.seen());
        loop {
            tokio::select! {
                _ = hangup.recv() => {
                    self.reload_policy();
                    self.reload_tokens();
                    self.reload_certificates();
                }
                _ = ticks.tick() => {
                    if watch.tick(self.seen()) {
                        self.reload_policy();
                    }
                }
            }
        }
    }

    /// The policy's file as it is now.
    fn seen(&self) -> Option<Seen> {
        let metadata = std::fs::metadata(&self.source.as_ref()?.path).ok()?;
        Some(Seen { modified: metadata.modified().ok()?, length: metadata.len() })
    }

    /// Puts the policy in its file into force; if it has errors, the one in force stays.
    fn reload_policy(&self) {
        let Some(source) = &self.source else {
            return;
        };
        match load_policy(&source.path, &source.variables) {
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

/// What is seen of a file from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    modified: SystemTime,
    length: u64,
}

/// Tells when a file has changed and then stood still, so that none is read half-written.
#[derive(Debug)]
struct FileWatch {
    settled: Option<Seen>,
    last: Option<Seen>,
}

impl FileWatch {
    fn new(seen: Option<Seen>) -> Self {
        Self { settled: seen, last: seen }
    }

    /// Whether the file is to be read now. A file that is not there is being replaced.
    fn tick(&mut self, seen: Option<Seen>) -> bool {
        let still = seen.is_some() && seen == self.last;
        self.last = seen;
        let changed = still && seen != self.settled;
        if changed {
            self.settled = seen;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_it_stands_still() {
        let at = |seconds, length| {
            Some(Seen { modified: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), length })
        };
        let mut watch = FileWatch::new(at(1, 10));
        let steps = [
            (at(1, 10), false),
            (at(2, 4), false),
            (at(2, 11), false),
            (at(2, 11), true),
            (at(2, 11), false),
            (None, false),
            (at(3, 11), false),
            (at(3, 11), true),
            (None, false),
            (at(3, 11), false),
            (at(3, 11), false),
        ];
        for (step, (seen, read)) in steps.into_iter().enumerate() {
            assert_eq!(watch.tick(seen), read, "step {step}");
        }
    }
}
