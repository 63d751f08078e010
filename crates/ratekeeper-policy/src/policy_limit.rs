//! The limits of a rule, with the scopes of their keys.

use ratekeeper_core::Limit;

use crate::key::scopes;

/// A limit of a rule.
#[derive(Clone, Debug)]
pub struct PolicyLimit {
    limit: Limit,
    scope: Box<[u8]>,
}

impl PolicyLimit {
    /// The limit itself.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// The front of its keys: printable ASCII such as `login:1m:`, equal for the same window of the same rule.
    #[must_use]
    pub fn scope(&self) -> &[u8] {
        &self.scope
    }
}

/// Limits in the order of the policy.
pub(crate) type LimitList = Vec<PolicyLimit>;

/// The limits of `rule`, or of one of its overrides and arms.
pub(crate) fn limit_list(rule: &str, limits: Vec<Limit>) -> LimitList {
    let scopes = scopes(rule, &limits);
    limits
        .into_iter()
        .zip(scopes)
        .map(|(limit, scope)| PolicyLimit { limit, scope })
        .collect()
}
