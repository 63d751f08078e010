//! What was written: one record for each mapping of the language.
//!
//! The doc comments here are the descriptions in the JSON Schema. To add a field to rules: a line in [`Rule`], what it
//! means in `compile/rule.rs`, and its place in `reference.yaml` (a test misses it there).

mod entry;
mod json;
mod key;
mod limits;
mod lists;
mod rule;
mod setup;
mod values;

pub(crate) use entry::EntryPattern;
pub(crate) use json::Json;
pub(crate) use key::Key;
pub(crate) use limits::Limits;
pub(crate) use lists::{ListItem, Lists};
pub(crate) use rule::{Cost, Envoy, Match, Override, Rollout, Rule, Units};
pub(crate) use setup::{ClientIp, PossiblyEmpty, Store};
pub(crate) use values::{Bytes, Expiry, RuleName};

use crate::decode::{At, Named, Within, record};
use crate::secret::Secret;

record! {
    /// A rate limit policy: what a request may cost, and who decides.
    Root lenient {
        /// The version of this language, 1.
        optional version: Within<1, 1> = "1",
        /// Where counters live, by name. `default` always exists, in memory unless it is given here.
        optional stores: Named<Store>,
        /// How the client's address is told from its proxies.
        optional client_ip: ClientIp,
        /// Who always passes and who never does. The allow list wins over the deny list, both over rules.
        optional lists: Lists,
        /// The rules. All limits of all matching enforced rules are one batch: all pass and all are debited, or none.
        required rules: Vec<At<Rule>>,
        /// What secret and long parts of keys are hashed with; equal on all nodes that share a store.
        /// Best given as "${NAME}".
        optional hash_secret: Secret,
    }
}
