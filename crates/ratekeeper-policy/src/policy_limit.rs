//! The limits of a rule, with the scopes of their keys.

use ratekeeper_core::Limit;

use crate::key::scopes;

/// A limit of a rule.
#[derive(Clone, Debug)]
pub struct PolicyLimit {
    limit: Limit,
    scope: Box<[u8]>,
    text: Box<str>,
}

impl PolicyLimit {
    /// The limit itself.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// The limit as it is written, such as `5 per 1m burst 20 (token_bucket)`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The front of its keys: printable ASCII such as `login:1m:`, equal for the same window of the same rule. An
    /// override about a part of a subject only has one of its own, such as `login:1m!0a1b2c3d:`.
    #[must_use]
    pub fn scope(&self) -> &[u8] {
        &self.scope
    }
}

/// Limits in the order of the policy.
pub(crate) type LimitList = Vec<PolicyLimit>;

/// The limits of `rule`, or of one of its overrides and arms. With a `mark`, their counters are apart from those
/// of the rule.
pub(crate) fn limit_list(rule: &str, limits: Vec<Limit>, mark: &str) -> LimitList {
    let scopes = scopes(rule, &limits, mark);
    limits
        .into_iter()
        .zip(scopes)
        .map(|(limit, scope)| PolicyLimit { text: limit.to_string().into(), limit, scope })
        .collect()
}
