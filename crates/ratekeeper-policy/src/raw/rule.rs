//! Rules.

use serde_json::{Value, json};

use super::{EntryPattern, Expiry, Json, Key, Limits, RuleName};
use crate::decode::{At, Decode, Decoder, FromText, Named, OneOrMany, Within, Wrong, record};
use crate::ip::Network;
use crate::matching::{HostPattern, Method, ValuePattern};
use crate::path::PathPattern;
use crate::rollout::Percent;
use crate::rule::{Missing, Mode, OnChange, OnStoreError};
use crate::schema::Definitions;
use crate::share::Share;
use crate::yaml::{Kind, NodeId};

record! {
    /// A rule: to whom it applies, whom it counts, how much passes, and what happens then.
    Rule lenient {
        /// The name, unique in the policy: 1 to 64 of A-Z a-z 0-9 . _ -
        required name: RuleName,
        /// What the rule is for.
        optional description: String,
        /// To which requests the rule applies; all, if absent.
        optional r#match: Match,
        /// Whom it counts: ip, ip/56, user, method, path, route, host, header:NAME, descriptor:NAME, a list of those,
        /// or global for all requests together.
        optional key: Key = "global",
        /// How much passes, 1 to 16 limits such as "100 per minute burst 20".
        /// Where unlimited stands instead, nothing is counted.
        required limits: Limits,
        /// What a request costs: a number, or routes and numbers: { "POST /reports": 10, default: 1 }.
        /// The first route that matches counts.
        optional cost: Cost = "1",
        /// Whether the rule refuses (enforce), only reports (shadow), refuses if all of its kind do (quota), or does
        /// nothing (off).
        optional mode: Mode = "enforce",
        /// Rules that do not count where this one applies: a name, or a list of names, of rules or as in envoy.name.
        optional replaces: OneOrMany<String>,
        /// Other limits for single subjects; the first that matches counts. Where the key alone tells whom it is about,
        /// counters go on under other limits; otherwise the override has counters of its own.
        optional overrides: Vec<At<Override>>,
        /// To which part of its subjects the rule applies, such as 25%; always the same ones.
        optional rollout: Rollout,
        /// Who decides while the store fails: a local limiter, allow or deny.
        optional on_store_error: OnStoreError = "local",
        /// The part of its limits that the local limiter grants, such as 1/4 with four replicas.
        optional local_share: Share = "1",
        /// What happens when a part of the key is missing: skip the rule, count all such requests together (shared),
        /// or deny.
        optional missing: Missing = "skip",
        /// The name of the store.
        optional store: String = "default",
        /// What happens to counters when a limit changes: keep or reset.
        optional on_change: OnChange = "keep",
        /// What Envoy is told where this rule applies.
        optional envoy: Envoy,
        /// Whether decisions are counted for each subject in the metrics, as far as their bound allows.
        optional subject_metrics: bool = "false",
    }
}

record! {
    /// To which requests a rule applies: all conditions that are given must hold.
    Match {
        /// Methods such as GET; case does not matter.
        optional methods | "method": OneOrMany<Method>,
        /// Patterns such as "/users/{id}" and "/api/{*rest}"; one must match.
        optional path | "paths": OneOrMany<PathPattern>,
        /// Route templates as the application knows them, as exact text or with * at the beginning or end.
        optional route | "routes": OneOrMany<ValuePattern>,
        /// Hosts such as example.com and "*.example.com".
        optional host | "hosts": OneOrMany<HostPattern>,
        /// Addresses and networks of clients.
        optional ip: OneOrMany<Network>,
        /// Users; * at the beginning or end stands for any text.
        optional user | "users": OneOrMany<ValuePattern>,
        /// Headers and their values: an exact value, a "prefix*", or "*" for any.
        optional headers | "header": Named<OneOrMany<ValuePattern>>,
        /// Descriptors and their values, written like those of headers.
        optional descriptors | "descriptor": Named<OneOrMany<ValuePattern>>,
        /// The domain of the descriptors.
        optional domain: String,
        /// The entries of a descriptor: these and no others, in this order. Of the rules of a domain those apply whose
        /// entries fit best, entry by entry: an exact value before a pattern, the first pattern of the file, then a key alone.
        optional entries: OneOrMany<EntryPattern>,
    }
}

record! {
    /// What Envoy's rate limit service says where a rule applies.
    Envoy {
        /// The name of the limit; another rule's replaces may use it too.
        optional name: String,
        /// What goes into the dynamic metadata of requests that pass.
        optional metadata: Json,
    }
}

record! {
    /// Other limits for single subjects. Of ip, user, header and descriptor at least one is given; all that are must
    /// hold.
    Override {
        /// An address or a network, or a list of them.
        optional ip: OneOrMany<Network>,
        /// A user, or a list of them; * at the beginning or end stands for any text.
        optional user: OneOrMany<ValuePattern>,
        /// Headers and their values: { name: value }.
        optional header | "headers": Named<OneOrMany<ValuePattern>>,
        /// Descriptors and their values: { name: value }.
        optional descriptor | "descriptors": Named<OneOrMany<ValuePattern>>,
        /// The limits that count instead of the rule's.
        required limits: Limits,
        /// Until when the override holds, as RFC 3339: 2027-01-01T00:00:00Z. For ever if absent.
        optional until | "expires": Expiry,
        /// Why.
        optional reason: String,
    }
}

/// `25%`, or a mapping with more.
#[derive(Clone, Debug)]
pub(crate) enum Rollout {
    Percent(Percent),
    Full(Box<RolloutFields>),
}

record! {
    /// To which part of its subjects a rule applies, and the arms of an experiment.
    RolloutFields {
        /// How many percent of the subjects are in. Growing it only adds members.
        required percent | "percentage": Percent,
        /// What subjects are drawn by; rules with equal salts and keys draw the same. The rule's name by default.
        optional salt: String,
        /// Groups of subjects with limits of their own; subjects in none of them have the rule's limits. Counters are
        /// those of the rule.
        optional arms: Vec<At<Arm>>,
    }
}

record! {
    /// A group of subjects with limits of its own.
    Arm {
        /// The name, 1 to 64 of A-Z a-z 0-9 . _ -
        required name: RuleName,
        /// How many percent of all subjects; all arms together at most the rollout's percent.
        required percent | "percentage" | "weight": Percent,
        /// The limits that count instead of the rule's.
        required limits: Limits,
    }
}

impl Decode for Rollout {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &decoder.node(node).kind {
            Kind::Map(_) => RolloutFields::decode(node, decoder).map(|full| Self::Full(Box::new(full))),
            Kind::Scalar { .. } | Kind::List(_) => Percent::decode(node, decoder).map(Self::Percent),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [Percent::schema(definitions), RolloutFields::schema(definitions)] })
    }
}

/// What a request costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units(pub(crate) u64);

type AnyNumber = Within<0, { u64::MAX }>;

impl FromText for Units {
    const EXPECTED: &'static str = "a whole number";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        AnyNumber::from_text(text).map(|units| Self(units.0)).map_err(|wrong| {
            let text = text.trim();
            let help = if text.starts_with('-') {
                "write a whole number from 0 on; what costs 0 is free"
            } else if text.parse::<f64>().is_ok() && text.contains('.') {
                "write a whole number, such as 2; for finer steps multiply all costs and the limits by the same number"
            } else {
                return wrong;
            };
            Wrong::new(wrong.message, help)
        })
    }

    fn text_schema() -> Value {
        AnyNumber::text_schema()
    }
}

/// A number, or a number for each route.
#[derive(Clone, Debug)]
pub(crate) enum Cost {
    Number(u64),
    Routes(Named<Units>),
}

impl Decode for Cost {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &decoder.node(node).kind {
            Kind::Map(_) => Named::decode(node, decoder).map(Self::Routes),
            Kind::Scalar { .. } => Units::decode(node, decoder).map(|units| Self::Number(units.0)),
            Kind::List(_) => {
                let expected =
                    "a whole number, or routes and numbers such as { \"POST /reports\": 10, default: 1 }";
                decoder.mismatch(node, "a list", expected)
            }
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [Units::schema(definitions), Named::<Units>::schema(definitions)] })
    }
}
