//! Limits: in English, or field by field.

use ratekeeper_core::{Algorithm, Limit, Micros};
use serde_json::{Value, json};

use crate::decode::{At, Decode, Decoder, FromText, Within, Wrong, record};
use crate::limit::{LimitField, LimitSpec, LimitSyntaxError, algorithm_named, parse_spec};
use crate::schema::Definitions;
use crate::text::{listed, quoted};
use crate::yaml::{Kind, NodeId};

/// The most limits of a rule.
const MAX_LIMITS: usize = 16;

/// One limit or a list of up to 16, at most one of them a queue; or `unlimited`, which is none.
#[derive(Clone, Debug)]
pub(crate) struct Limits(pub(crate) Vec<Limit>);

/// A limit in English, or a mapping.
#[derive(Clone, Debug)]
pub(crate) struct LimitEntry(Limit);

record! {
    /// A limit, field by field.
    LimitFields {
        /// How much, in English: "100 per second", "10 concurrent".
        optional rate: String,
        /// How many at once, in place of a rate.
        optional concurrency | "concurrent": Within<0, { u64::MAX }>,
        /// How it counts: token_bucket, leaky_bucket, fixed_window, calendar_window, sliding_window, sliding_log
        /// or concurrency.
        optional algorithm: AlgorithmName = "token_bucket",
        /// The size of the bucket, for token_bucket and leaky_bucket; the count by default.
        optional burst: Within<0, { u64::MAX }>,
        /// The longest time that a request waits in a leaky_bucket, which is then a queue.
        optional max_delay: Micros,
        /// When a holder that never comes back is forgotten, for concurrency.
        optional ttl: Micros,
        /// The time zone of a calendar_window, such as Europe/Paris.
        optional time_zone | "zone" | "timezone" | "tz": String = "UTC",
        /// Where windows begin: at the epoch, or at a place of each key's own (key).
        optional align: String = "epoch",
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct AlgorithmName(Algorithm);

impl FromText for AlgorithmName {
    const EXPECTED: &'static str = "the name of an algorithm such as sliding_window";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let names = || Algorithm::ALL.iter().map(|algorithm| algorithm.name());
        let unknown = || {
            let help = match crate::text::nearest(text, names()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("use {}", listed(names())),
            };
            Wrong::new("unknown algorithm", help)
        };
        algorithm_named(text).map(Self).ok_or_else(unknown)
    }
}

impl LimitFields {
    fn spec(&self, decoder: &mut Decoder<'_>, node: NodeId) -> Option<LimitSpec> {
        let mut spec = match (&self.rate, &self.concurrency) {
            (Some(rate), None) => match parse_spec(&rate.value) {
                Ok(spec) => spec,
                Err(error) => {
                    decoder.wrong(rate.node, error.into());
                    return None;
                }
            },
            (None, Some(count)) => {
                LimitSpec { count: Some(count.value.0), concurrent: true, ..LimitSpec::default() }
            }
            _ => {
                let help = "write { rate: 100 per second } or { concurrency: 10, ttl: 30s }";
                decoder.error(node, "a limit has exactly one of rate and concurrency", help);
                return None;
            }
        };
        let mut fine = true;
        fine &= merge(decoder, &mut spec.algorithm, self.algorithm.as_ref(), |name| name.0);
        fine &= merge(decoder, &mut spec.burst, self.burst.as_ref(), |burst| burst.0);
        fine &= merge(decoder, &mut spec.max_delay, self.max_delay.as_ref(), |delay| *delay);
        fine &= merge(decoder, &mut spec.ttl, self.ttl.as_ref(), |ttl| *ttl);
        fine &= merge(decoder, &mut spec.zone, self.time_zone.as_ref(), Clone::clone);
        if let Some(align) = &self.align
            && let Err(error) = spec.align(&align.value)
        {
            decoder.wrong(align.node, error.into());
            fine = false;
        }
        fine.then_some(spec)
    }

    /// The value that an error is about.
    fn field(&self, field: LimitField, otherwise: NodeId) -> NodeId {
        let of = |node: Option<NodeId>| node;
        let found = match field {
            LimitField::Rate => of(self.concurrency.as_ref().map(|at| at.node)),
            LimitField::Algorithm => of(self.algorithm.as_ref().map(|at| at.node)),
            LimitField::Burst => of(self.burst.as_ref().map(|at| at.node)),
            LimitField::MaxDelay => of(self.max_delay.as_ref().map(|at| at.node)),
            LimitField::Ttl => of(self.ttl.as_ref().map(|at| at.node)),
            LimitField::TimeZone => of(self.time_zone.as_ref().map(|at| at.node)),
            LimitField::Align => of(self.align.as_ref().map(|at| at.node)),
        };
        found.or(self.rate.as_ref().map(|at| at.node)).unwrap_or(otherwise)
    }
}

/// Sets what the English part has not said already.
fn merge<T: PartialEq, U>(
    decoder: &mut Decoder<'_>,
    slot: &mut Option<T>,
    given: Option<&At<U>>,
    value: impl Fn(&U) -> T,
) -> bool {
    let Some(given) = given else { return true };
    let value = value(&given.value);
    if slot.as_ref().is_some_and(|before| *before != value) {
        decoder.error(given.node, "the rate says otherwise", "say it in one place only");
        return false;
    }
    *slot = Some(value);
    true
}

impl Decode for LimitEntry {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let report = |decoder: &mut Decoder<'_>, at: NodeId, error: LimitSyntaxError| {
            decoder.wrong(at, error.into());
            None
        };
        if let Some(text) = mistaken_for_a_mapping(node, decoder) {
            let built = crate::limit::parse_limit(&text);
            return built
                .map(Self)
                .map_err(|error| {
                    decoder.error(node, format!("{}: {}", quoted(&text), error.message()), error.help());
                })
                .ok();
        }
        if matches!(decoder.node(node).kind, Kind::Map(_)) {
            let fields = LimitFields::decode(node, decoder)?;
            let built = fields.spec(decoder, node)?.build();
            return built.map_or_else(
                |error| report(decoder, fields.field(error.field(), node), error),
                |limit| Some(Self(limit)),
            );
        }
        let text = decoder.text(node, "a limit such as \"100 per minute\"")?;
        let built = crate::limit::parse_limit(&text);
        built.map_or_else(|error| report(decoder, node, error), |limit| Some(Self(limit)))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let mistaken = json!({
            "type": "object", "description": "A limit in English whose colon YAML takes for its own.",
            "patternProperties": { "^[0-9]": { "type": ["string", "number"] } },
            "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
        });
        json!({ "anyOf": [{ "type": "string" }, LimitFields::schema(definitions), mistaken] })
    }
}

impl Decode for Limits {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Kind::List(items) = &decoder.node(node).kind else {
            if matches!(&decoder.node(node).kind, Kind::Scalar { text, .. } if text.trim() == "unlimited") {
                return Some(Self(Vec::new()));
            }
            return LimitEntry::decode(node, decoder).map(|entry| Self(vec![entry.0]));
        };
        if items.is_empty() || items.len() > MAX_LIMITS {
            let help = format!("a rule has 1 to {MAX_LIMITS}, such as [ 100 per minute ]");
            decoder.error(node, format!("{} limits", items.len()), help);
            return None;
        }
        if split_at_a_comma(items, decoder) {
            return None;
        }
        let read: Vec<Option<LimitEntry>> =
            items.iter().map(|item| LimitEntry::decode(*item, decoder)).collect();
        let limits: Vec<Limit> =
            read.into_iter().map(|entry| entry.map(|entry| entry.0)).collect::<Option<_>>()?;
        let queues = limits.iter().filter(|limit| limit.algorithm() == Algorithm::LeakyQueue).count();
        if queues > 1 {
            let help = "a rule has at most one, since a request can wait in one place only";
            decoder.error(node, format!("{queues} limits with max_delay"), help);
            return None;
        }
        Some(Self(limits))
    }

    fn placeholder() -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let item = LimitEntry::schema(definitions);
        json!({ "anyOf": [item, { "type": "array", "items": item, "minItems": 1, "maxItems": MAX_LIMITS }] })
    }
}

/// `- 5 per second max_delay: 2s` reaches us as a mapping of `5 per second max_delay`: the text as it was meant.
fn mistaken_for_a_mapping(node: NodeId, decoder: &Decoder<'_>) -> Option<String> {
    let (name, value) = the_pair(node, decoder)?;
    // No field of a limit begins with a digit.
    name.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("{name}: {value}"))
}

/// Name and value of a mapping that has only one, if both are plain texts.
fn the_pair<'d>(node: NodeId, decoder: &Decoder<'d>) -> Option<(&'d str, &'d str)> {
    let Kind::Map(items) = &decoder.node(node).kind else {
        return None;
    };
    let [item] = items.as_slice() else { return None };
    match &decoder.node(*item).kind {
        Kind::Scalar { text, .. } => Some((decoder.node(*item).name(), text)),
        Kind::List(_) | Kind::Map(_) => None,
    }
}

/// `[ 1000 per day (calendar, Europe/Paris) ]` reaches us as two items: one error says so, in place of two riddles.
fn split_at_a_comma(items: &[NodeId], decoder: &mut Decoder<'_>) -> bool {
    let mut found = false;
    for pair in items.windows(2) {
        let written = |node: NodeId| match &decoder.node(node).kind {
            Kind::Scalar { text, .. } => Some(text.clone()),
            Kind::List(_) | Kind::Map(_) => {
                the_pair(node, decoder).map(|(name, value)| format!("{name}: {value}"))
            }
        };
        let (Some(first), Some(second)) = (written(pair[0]), written(pair[1])) else {
            continue;
        };
        if first.contains('(') && !first.contains(')') && second.contains(')') && !second.contains('(') {
            let whole = quoted(&format!("{first}, {second}"));
            let message = format!("{}: YAML has split this limit at its comma", quoted(&first));
            decoder.error(pair[0], message, format!("put it in quotes: {whole}"));
            found = true;
        }
    }
    found
}
