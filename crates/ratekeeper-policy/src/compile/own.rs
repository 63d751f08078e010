//! The rule that stands for limits which requests bring along.

use super::{DEFAULT_STORE, Surroundings};
use crate::cost::Costs;
use crate::key::KeySpec;
use crate::matching::Matcher;
use crate::rule::{Envoy, Missing, Mode, OnChange, OnStoreError, Overrides, REQUEST_RULE, Rule};
use crate::share::Share;

/// A rule that counts domain and descriptors, in the default store. While that fails there is no answer, for who brings
/// a limit along has somebody else to ask.
pub(super) fn rule(surroundings: &Surroundings<'_>) -> Rule {
    Rule {
        name: REQUEST_RULE.to_owned(),
        description: None,
        mode: Mode::Enforce,
        on_store_error: OnStoreError::Deny,
        local_share: Share::default(),
        store: DEFAULT_STORE.to_owned(),
        on_change: OnChange::Keep,
        matcher: Matcher::default(),
        key: KeySpec {
            parts: Vec::new(),
            missing: Missing::Skip,
            hash_key: surroundings.hash_key,
            ipv4_prefix: surroundings.client_ip.ipv4_prefix,
            ipv6_prefix: surroundings.client_ip.ipv6_prefix,
        },
        limits: Vec::new(),
        costs: Costs::new(Vec::new(), 1),
        overrides: Overrides::default(),
        rollout: None,
        replaces: Vec::new(),
        envoy: Envoy::default(),
        subject_metrics: false,
    }
}
