//! Where the policy comes from, and when it has changed there.

use std::path::PathBuf;
use std::time::SystemTime;

use ratekeeper_policy::Policy;

use crate::cli::Variables;
use crate::command::load_policy;
use crate::envoy_config::EnvoyConfig;
use crate::failure::Failure;

/// How the policy is read.
#[derive(Debug)]
pub(crate) struct PolicySource {
    place: PolicyPlace,
    variables: Variables,
    /// How it was before it was first read: what changes meanwhile is not missed.
    pub(super) first_seen: Option<Seen>,
}

/// What it is read from.
#[derive(Debug)]
pub(crate) enum PolicyPlace {
    /// A policy.
    File(PathBuf),
    /// The configuration of envoyproxy/ratelimit.
    Envoy(EnvoyConfig),
}

impl PolicySource {
    pub(crate) fn new(place: PolicyPlace, variables: Variables) -> Self {
        let mut source = Self { place, variables, first_seen: None };
        source.first_seen = source.seen();
        source
    }

    /// Reads and compiles it.
    pub(crate) fn load(&self) -> Result<Policy, Failure> {
        match &self.place {
            PolicyPlace::File(path) => load_policy(path, &self.variables),
            PolicyPlace::Envoy(config) => config.load(&self.variables),
        }
    }

    /// As it is now; none while there is no file.
    pub(super) fn seen(&self) -> Option<Seen> {
        match &self.place {
            PolicyPlace::File(path) => {
                let metadata = std::fs::metadata(path).ok()?;
                Some(Seen::File { modified: metadata.modified().ok()?, length: metadata.len() })
            }
            PolicyPlace::Envoy(config) => Some(Seen::Content(config.fingerprint())),
        }
    }
}

/// What tells one version from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// What is seen of a file from outside: it may be a pipe, which must not be read twice.
    File { modified: SystemTime, length: u64 },
    /// A hash of everything.
    Content(blake3::Hash),
}

/// Tells when a source has changed and then stood still, so that none is read half-written.
#[derive(Debug)]
pub(super) struct Watch {
    settled: Option<Seen>,
    last: Option<Seen>,
}

impl Watch {
    pub(super) fn new(seen: Option<Seen>) -> Self {
        Self { settled: seen, last: seen }
    }

    /// Forgets what was read last, so that it is read again once it stands still: it could not be read.
    pub(super) fn forget(&mut self) {
        (self.settled, self.last) = (None, None);
    }

    /// Whether the source is to be read now. A file that is not there is being replaced.
    pub(super) fn tick(&mut self, seen: Option<Seen>) -> bool {
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_is_read_once_it_stands_still() {
        let at = |seconds, length| {
            Some(Seen::File { modified: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), length })
        };
        let mut watch = Watch::new(at(1, 10));
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
