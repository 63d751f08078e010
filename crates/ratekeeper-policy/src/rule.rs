//! A rule, compiled.

use crate::attributes::Attributes;
use crate::cost::Costs;
use crate::decode::choice;
use crate::key::{KeySpec, Part, Source};
use crate::matching::Matcher;
use crate::policy_limit::{LimitList, PolicyLimit};
use crate::request::Request;
use crate::rollout::Rollout;
use crate::selector::Selectors;
use crate::share::Share;

/// The name of the rule of limits that requests bring along; no rule of a policy can have it.
pub(crate) const REQUEST_RULE: &str = "(request)";

/// What Envoy's rate limit service says where a rule applies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Envoy {
    pub(crate) name: Option<String>,
    pub(crate) metadata: Option<serde_json::Value>,
}

choice! {
    /// Whether a rule refuses.
    pub enum Mode {
        /// It refuses what is beyond its limits.
        Enforce = "enforce" | "enforced",
        /// It counts and reports, and never refuses.
        Shadow = "shadow",
        /// It counts, and refuses where every other quota rule that the request meets refuses too: one quota that is left
        /// is enough.
        Quota = "quota",
        /// It does nothing.
        Off = "off" | "disabled",
    }
}

choice! {
    /// Who decides while the store of a rule fails.
    pub enum OnStoreError {
        /// A local limiter, at the rule's share of its limits.
        Local = "local",
        /// The request passes.
        Allow = "allow",
        /// The request is refused.
        Deny = "deny",
    }
}

choice! {
    /// What happens when a part of the key is missing in a request.
    pub enum Missing {
        /// The rule does not apply.
        Skip = "skip",
        /// All such requests are counted together.
        Shared = "shared",
        /// The request is refused.
        Deny = "deny",
    }
}

choice! {
    /// What happens to counters when the limit they were counted under has changed.
    pub enum OnChange {
        /// They are carried over as far as they keep their meaning.
        Keep = "keep",
        /// They start anew.
        Reset = "reset",
    }
}

/// A rule, compiled: to whom it applies, whom it counts, how much passes and what happens then.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) mode: Mode,
    pub(crate) on_store_error: OnStoreError,
    pub(crate) local_share: Share,
    pub(crate) store: String,
    pub(crate) on_change: OnChange,
    pub(crate) matcher: Matcher,
    pub(crate) key: KeySpec,
    pub(crate) limits: LimitList,
    pub(crate) costs: Costs,
    pub(crate) overrides: Overrides,
    pub(crate) rollout: Option<Rollout>,
    /// The places of the rules that do not count where this one applies.
    pub(crate) replaces: Vec<usize>,
    pub(crate) envoy: Envoy,
    pub(crate) subject_metrics: bool,
}

/// Limits for single subjects. An override counts under the stored keys of the rule if its selector is about whole
/// subjects: then a subject that it is about keeps its count when the override comes or goes. Otherwise it counts under
/// keys of its own, see [`KeySpec::mark`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) selectors: Selectors,
    pub(crate) limits: Vec<(LimitList, Option<String>)>,
}

impl Rule {
    /// The name, unique in the policy: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the policy says that the rule is for.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Whether it refuses, only reports, or does nothing.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Who decides while its store fails.
    #[must_use]
    pub fn on_store_error(&self) -> OnStoreError {
        self.on_store_error
    }

    /// The part of its limits that it grants locally while its store fails.
    #[must_use]
    pub fn local_share(&self) -> Share {
        self.local_share
    }

    /// The name of its store, one of [`Policy::stores`](crate::Policy::stores).
    #[must_use]
    pub fn store(&self) -> &str {
        &self.store
    }

    /// What happens when a part of its key is missing.
    #[must_use]
    pub fn missing(&self) -> Missing {
        self.key.missing
    }

    /// What happens to its counters when a limit changes.
    #[must_use]
    pub fn on_change(&self) -> OnChange {
        self.on_change
    }

    /// Its limits, for subjects that neither an override nor an arm of a rollout has limits for.
    #[must_use]
    pub fn limits(&self) -> &[PolicyLimit] {
        &self.limits
    }

    /// Whether it has no limits of its own: what meets it passes, as far as this rule is concerned.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.limits.is_empty()
    }

    /// How Envoy is told about its limit, if the policy names it.
    #[must_use]
    pub fn envoy_name(&self) -> Option<&str> {
        self.envoy.name.as_deref()
    }

    /// What Envoy gets as dynamic metadata of requests that pass it.
    #[must_use]
    pub fn envoy_metadata(&self) -> Option<&serde_json::Value> {
        self.envoy.metadata.as_ref()
    }

    /// Whether its decisions are counted for each subject.
    #[must_use]
    pub fn has_subject_metrics(&self) -> bool {
        self.subject_metrics
    }

    /// Every limit that it may apply: its own, and those of its overrides and of the arms of its rollout.
    pub fn every_limit(&self) -> impl Iterator<Item = &PolicyLimit> {
        let arms = self.rollout.iter().flat_map(|rollout| &rollout.arms).map(|arm| &arm.limits);
        let overrides = self.overrides.limits.iter().map(|(limits, _)| limits);
        std::iter::once(&self.limits).chain(overrides).chain(arms).flatten()
    }

    /// The names of its key's parts, such as `ip`, `header:x-api-key`; none for a rule that counts all together.
    #[must_use]
    pub fn key_names(&self) -> Vec<String> {
        self.key.parts.iter().map(Part::name).collect()
    }

    /// The same as they are shown: escaped, with a remark on those that are secret.
    #[must_use]
    pub fn key_parts(&self) -> Vec<String> {
        self.key.parts.iter().map(ToString::to_string).collect()
    }

    /// Whom this rule counts a request for, as decisions print it: one text for each part of the key, `-` for a missing
    /// part. Addresses appear masked, paths and hosts in their one form, parts that are `secret: true` as `#` and a
    /// hash. All others are byte for byte what the client sent: escape them before showing them. Limits that requests
    /// bring along count domain and descriptors.
    ///
    /// Allocates; decisions themselves do not need it.
    #[must_use]
    pub fn subject(&self, attributes: &Attributes<'_>) -> Vec<String> {
        if self.name == REQUEST_RULE {
            let entries = attributes.descriptors.iter().map(|(name, value)| format!("{name}={value}"));
            return attributes.domain.map(str::to_owned).into_iter().chain(entries).collect();
        }
        self.key.display(&Request::new(attributes, true))
    }
}

impl Rule {
    /// Whether a decision needs the path.
    pub(crate) fn uses_path(&self) -> bool {
        let in_key = self.key.parts.iter().any(|part| part.source == Source::Path);
        in_key || !self.matcher.paths.is_empty() || self.costs.uses_path()
    }

    /// Whether a decision needs the headers.
    pub(crate) fn uses_headers(&self) -> bool {
        let in_key = self.key.parts.iter().any(|part| matches!(part.source, Source::Header(_)));
        in_key || !self.matcher.headers.is_empty() || self.overrides.selectors.uses_headers()
    }

    /// Whether a request is refused because it lacks a part of the key. While only a part of the subjects is in the
    /// rollout, a request without a subject is not.
    pub(crate) fn refuses_missing(&self) -> bool {
        let everybody = self.rollout.as_ref().is_none_or(Rollout::is_full);
        self.key.missing == Missing::Deny && everybody
    }
}
