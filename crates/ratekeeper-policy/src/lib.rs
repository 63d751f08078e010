//! The policy language of ratekeeper: YAML, read strictly, compiled to what runs. Internal to ratekeeper: use the
//! `ratekeeper` crate.
//!
//! [`Policy::parse`] goes through two phases. What was **written** becomes a tree in which each value knows its line
//! (`yaml`) and then typed records (`raw`, by way of `decode`); from the same declarations comes [`json_schema`].
//! Records are then **compiled** (`compile`) to what runs: [`Rule`]s, lists, stores. [`Policy::applicable`] tells which
//! rules, limits and keys a request meets; [`Policy::explain`] tells people why. Nothing here reads a clock, a file
//! or the environment.
//!
//! # Where to add a field of rules
//! 1. a line in `raw/rule.rs`: name, type, documentation; reading, errors and schema follow from it;
//! 2. what it means, in `compile/rule.rs` and `rule.rs`;
//! 3. an example in `reference.yaml`; a test fails until it is there.

mod applicable;
mod attributes;
mod client_ip;
mod compile;
mod cost;
mod decode;
mod duration;
mod envoy;
mod error;
mod explain;
mod index;
mod ip;
mod key;
mod limit;
mod list;
mod matching;
mod path;
mod policy;
mod policy_limit;
mod raw;
mod request;
mod rollout;
mod rule;
mod schema;
mod secret;
mod selector;
mod share;
mod store_config;
mod text;
mod yaml;

pub use applicable::{Applicable, AppliedLimit, AppliedRule, MissingPart};
pub use attributes::Attributes;
pub use client_ip::{ClientHeader, ClientIp};
pub use envoy::{EnvoyFile, EnvoyImport, EnvoyOptions, import_envoy};
pub use error::{PolicyError, PolicyErrors};
pub use explain::{Applies, Explanation, RuleExplanation, RuleVerdict};
pub use ip::canonical_ip;
pub use limit::{LimitSyntaxError, parse_limit};
pub use list::{List, Listed};
pub use policy::Policy;
pub use policy_limit::PolicyLimit;
pub use rule::{Missing, Mode, OnChange, OnStoreError, Rule};
pub use schema::json_schema;
pub use secret::Secret;
pub use share::Share;
pub use store_config::{Overflow, StoreConfig, StoreKind};

/// A complete policy: every field, with what it means. It is documentation, and parsed by the tests.
pub const REFERENCE: &str = include_str!("reference.yaml");
