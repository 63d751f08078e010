//! What is asked of the server, as texts with places for the key.

use std::ops::RangeInclusive;

use ratekeeper_core::{Algorithm, Limit, Micros};
use serde_json::Value;

use crate::draw::Question;
use crate::error::LoadError;
use crate::options::{Asking, Options};
use crate::target::Protocol;
use crate::template::{MOST_ADDRESSES, Template};

/// What is asked without anything said about it.
const ATTRIBUTES: &str = r#"{"ip":"{ip}","user":"{key}","method":"GET","path":"/"}"#;

/// The words of a question.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(super) seed: u64,
    spoken: Spoken,
}

#[derive(Clone, Debug)]
enum Spoken {
    Http {
        attributes: Template,
    },
    Grpc {
        domain: String,
        entries: Vec<(Template, Template)>,
    },
    Throttle {
        key: Template,
        limit: [String; 3],
    },
    Check {
        rule: String,
        parts: Vec<Template>,
    },
}

impl Words {
    /// # Errors
    /// If what is to be asked does not fit the language, or all keys would be one.
    pub(crate) fn new(options: &Options) -> Result<Self, LoadError> {
        let asking = &options.asking;
        fits(options.target.protocol, asking)?;
        let spoken = match options.target.protocol {
            Protocol::Http => {
                let text = asking.attributes.as_deref().unwrap_or(ATTRIBUTES);
                object(text)?;
                Spoken::Http { attributes: Template::new(text) }
            }
            Protocol::Grpc => {
                let Some(domain) = asking.domain.clone() else {
                    return Err(LoadError::option(
                        "over gRPC, --domain and --descriptor NAME=VALUE are needed",
                    ));
                };
                let template = |(name, value): &(String, String)| (Template::new(name), Template::new(value));
                Spoken::Grpc { domain, entries: asking.descriptors.iter().map(template).collect() }
            }
            Protocol::Redis => match &asking.rule {
                Some(rule) => Spoken::Check {
                    rule: rule.clone(),
                    parts: asking.key_parts.iter().map(|part| Template::new(part)).collect(),
                },
                None => {
                    Spoken::Throttle { key: Template::new("{key}"), limit: throttle(options.limit.as_ref())? }
                }
            },
        };
        let words = Self { seed: options.seed, spoken };
        words.tells_keys_apart(options)?;
        Ok(words)
    }

    fn tells_keys_apart(&self, options: &Options) -> Result<(), LoadError> {
        let told = match &self.spoken {
            Spoken::Http { attributes } => attributes.tells_keys_apart(),
            Spoken::Grpc { entries, .. } => entries.iter().any(|(_, value)| value.tells_keys_apart()),
            Spoken::Throttle { .. } => true,
            Spoken::Check { parts, .. } => parts.iter().any(Template::tells_keys_apart),
        };
        let one = options.keys == 1 || options.distribution == crate::draw::Distribution::One;
        if !told && !one {
            return Err(LoadError::option(
                "all keys would be one: write {key}, {ip} or {n} where they differ, or ask with --keys 1",
            ));
        }
        if options.target.protocol == Protocol::Http && options.keys > MOST_ADDRESSES {
            return Err(LoadError::option(format!("--keys: {MOST_ADDRESSES} are the most, as addresses")));
        }
        Ok(())
    }

    /// The body of `POST /v1/check`.
    pub(super) fn json(&self, question: Question, peek: bool) -> Vec<u8> {
        let mut body = Vec::with_capacity(128);
        body.extend_from_slice(b"{\"attributes\":");
        if let Spoken::Http { attributes } = &self.spoken {
            attributes.write(self.seed, question.key, &mut body);
        }
        if peek {
            body.extend_from_slice(b",\"op\":\"peek\"");
        }
        body.extend_from_slice(format!(",\"cost\":{}}}", question.cost).as_bytes());
        body
    }

    /// The domain and the entries of the descriptor.
    pub(super) fn descriptor(&self, key: u64) -> (String, Vec<(String, String)>) {
        match &self.spoken {
            Spoken::Grpc { domain, entries } => {
                let entry = |(name, value): &(Template, Template)| {
                    (name.text(self.seed, key), value.text(self.seed, key))
                };
                (domain.clone(), entries.iter().map(entry).collect())
            }
            _ => Default::default(),
        }
    }

    /// A command of the Redis protocol.
    pub(super) fn command(&self, question: Question, peek: bool) -> Vec<Vec<u8>> {
        let text = |template: &Template| template.text(self.seed, question.key).into_bytes();
        match &self.spoken {
            Spoken::Throttle { key, limit } => {
                let quantity = if peek { 0 } else { question.cost };
                let mut command = vec![b"CL.THROTTLE".to_vec(), text(key)];
                command.extend(limit.iter().map(|number| number.clone().into_bytes()));
                command.push(quantity.to_string().into_bytes());
                command
            }
            Spoken::Check { rule, parts } => {
                let mut command = vec![b"RK.CHECK".to_vec(), rule.clone().into_bytes()];
                command.extend(parts.iter().map(text));
                command.extend([b"COST".to_vec(), question.cost.to_string().into_bytes()]);
                if peek {
                    command.push(b"PEEK".to_vec());
                }
                command
            }
            _ => Vec::new(),
        }
    }
}

/// Whether nothing is said that the language has no word for.
fn fits(protocol: Protocol, asking: &Asking) -> Result<(), LoadError> {
    let options = [
        ("--attributes", asking.attributes.is_some(), Protocol::Http),
        ("--domain", asking.domain.is_some(), Protocol::Grpc),
        ("--descriptor", !asking.descriptors.is_empty(), Protocol::Grpc),
        ("--rule", asking.rule.is_some(), Protocol::Redis),
        ("--key-part", !asking.key_parts.is_empty(), Protocol::Redis),
    ];
    match options.into_iter().find(|(_, given, of)| *given && *of != protocol) {
        None if asking.rule.is_none() && !asking.key_parts.is_empty() => {
            Err(LoadError::option("--key-part: these are parts of the key of a rule; --rule names it"))
        }
        None => Ok(()),
        Some((option, _, of)) => Err(LoadError::option(format!(
            "{option}: this is for {}:// urls; the server is asked by {}",
            of.name(),
            protocol.name()
        ))),
    }
}

fn object(text: &str) -> Result<(), LoadError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(_)) => Ok(()),
        Ok(_) => Err(LoadError::option("--attributes: this is no object such as {\"user\": \"{key}\"}")),
        Err(error) => Err(LoadError::option(format!("--attributes: {error}"))),
    }
}

/// A limit as `CL.THROTTLE` is told it: burst, count and period.
fn throttle(limit: Option<&Limit>) -> Result<[String; 3], LoadError> {
    let Some(limit) = limit else {
        return Err(LoadError::option(
            "over the Redis protocol, say what is asked: --limit '100 per minute' for CL.THROTTLE, or --rule for RK.CHECK",
        ));
    };
    let whole = limit.window().get().is_multiple_of(Micros::SECOND.get());
    if limit.algorithm() != Algorithm::TokenBucket || !whole {
        return Err(LoadError::option("--limit: CL.THROTTLE knows token buckets, by whole seconds, only"));
    }
    let period = limit.window().get() / Micros::SECOND.get();
    Ok([limit.burst() - 1, limit.count(), period].map(|number| number.to_string()))
}

/// A cost range that the language can say.
pub(crate) fn most_cost(protocol: Protocol, cost: &RangeInclusive<u64>) -> Result<(), LoadError> {
    if protocol == Protocol::Grpc && *cost.end() > u64::from(u32::MAX) {
        return Err(LoadError::option("--cost: over gRPC the most is 4294967295"));
    }
    Ok(())
}
