//! Whose counters an override counts in: those of the rule, or its own.

use super::{KeySpec, Source};
use crate::ip::Network;
use crate::selector::Selector;

/// How many hexadecimal digits tell the overrides of a rule apart.
const DIGITS: usize = 8;

impl KeySpec {
    /// What tells the stored keys of an override from those of its rule: nothing if they may be the same. It follows the
    /// selector alone, so that an override keeps its counters wherever it stands and whatever its limits are.
    pub(crate) fn mark(&self, selector: &Selector) -> String {
        if self.implies(selector) {
            return String::new();
        }
        // With the secret of the policy, since values of headers may be secret.
        let hash = self.hash(b'o', selector.canonical().as_bytes());
        format!("!{}", String::from_utf8_lossy(&hash[..DIGITS]))
    }

    /// Whether a selector is about all requests of a subject or about none.
    ///
    /// Only then may it give a subject other limits under the same stored key. Otherwise requests with different limits
    /// would meet in one counter: each would be carried over to the other's limit, or start it anew.
    pub(crate) fn implies(&self, selector: &Selector) -> bool {
        let counts = |source: &Source| self.parts.iter().any(|part| part.source == *source);
        let holds_whole = |source: &Source| match source {
            Source::Ip { ipv4_prefix, ipv6_prefix } => {
                let v4 = ipv4_prefix.unwrap_or(self.ipv4_prefix);
                let v6 = ipv6_prefix.unwrap_or(self.ipv6_prefix);
                let whole = |Network(network): &Network| {
                    network.prefix_len() <= if network.addr().is_ipv4() { v4 } else { v6 }
                };
                selector.networks.iter().all(whole)
            }
            _ => false,
        };
        (selector.networks.is_empty() || self.parts.iter().any(|part| holds_whole(&part.source)))
            && (selector.users.is_empty() || counts(&Source::User))
            && selector.headers.iter().all(|(name, _)| counts(&Source::Header(name.clone())))
            && selector.descriptors.iter().all(|(name, _)| counts(&Source::Descriptor(name.clone())))
    }
}
