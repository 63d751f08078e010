//! The trees that requests descend, one for each domain, made of all files.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

use super::raw::{Descriptor, RateLimit, Replaced, Root};
use super::value::{Flag, OrNull, Text, given};
use super::{short, unit};
use crate::decode::{At, Decoder};
use crate::text::quoted;
use crate::yaml::NodeId;

/// The most bytes of a key, as policies have it.
const MAX_KEY: usize = 128;

/// Where something was written, as comments tell it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: String,
    line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// All domains, in the order of the files.
#[derive(Debug, Default)]
pub(super) struct Forest {
    pub(super) domains: Vec<Domain>,
    index: HashMap<String, usize>,
}

/// The limits of one domain.
#[derive(Debug)]
pub(super) struct Domain {
    pub(super) name: String,
    place: Place,
    pub(super) level: Level,
}

/// What one entry is compared with.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) nodes: Vec<Node>,
    /// Where each key and value, joined by `_`, was written.
    seen: HashMap<String, Place>,
}

/// What an entry may be, what follows then, and what counts if nothing does.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) key: String,
    /// Any value, if there is none.
    pub(super) value: Option<String>,
    pub(super) share: bool,
    /// Whether there are metrics of each value.
    pub(super) value_metric: bool,
    pub(super) limit: Option<Limit>,
    pub(super) level: Level,
    pub(super) place: Place,
}

/// What a limit lets pass.
#[derive(Clone, Debug)]
pub(super) enum Amount {
    Unlimited,
    /// So many in a window, written as a policy writes it.
    Count(u32, String),
}

/// What counts for requests that end at a node.
#[derive(Debug)]
pub(super) struct Limit {
    pub(super) amount: Amount,
    pub(super) name: Option<String>,
    pub(super) replaces: Vec<String>,
    pub(super) shadow: bool,
    pub(super) quota: bool,
    pub(super) detailed_metric: bool,
    pub(super) metadata: Option<Map<String, Value>>,
}

impl Forest {
    /// Adds a file. What is wrong is reported; what is right is added in spite of it, so that all errors are found.
    pub(super) fn add(&mut self, root: Root, file: &str, merge: bool, decoder: &mut Decoder<'_>) {
        let Some(domain) = given(root.domain).filter(|domain| !domain.value.0.is_empty()) else {
            decoder.error(
                crate::yaml::Document::ROOT,
                "the domain is missing",
                "write domain: NAME, as requests name it",
            );
            return;
        };
        let place = Place::of(domain.node, file, decoder);
        let name = domain.value.0;
        let found = self.index.get(&name).copied();
        if let Some(before) = found.filter(|_| !merge) {
            let before = &self.domains[before].place;
            let message = format!("the domain {} is in {before} already", quoted(&name));
            decoder.error(domain.node, message, "give it another name, or merge domains");
        }
        let index = found.unwrap_or_else(|| {
            self.domains.push(Domain { name: name.clone(), place, level: Level::default() });
            self.index.insert(name, self.domains.len() - 1);
            self.domains.len() - 1
        });
        // What is written twice because the domain is, is no further error.
        let mut apart = Level::default();
        let level = if found.is_some() && !merge {
            &mut apart
        } else {
            &mut self.domains[index].level
        };
        level.add(given(root.descriptors), file, decoder);
    }
}

impl Level {
    fn add(&mut self, written: Option<At<Vec<At<Descriptor>>>>, file: &str, decoder: &mut Decoder<'_>) {
        for descriptor in written.map(|written| written.value).unwrap_or_default() {
            let at = descriptor.node;
            let Some(node) = Node::new(descriptor, file, decoder) else {
                decoder.leave_out();
                continue;
            };
            let joined = match &node.value {
                Some(value) => format!("{}_{value}", node.key),
                None => node.key.clone(),
            };
            if let Some(before) = self.seen.insert(joined.clone(), node.place.clone()) {
                let message = format!("{} is in {before} already", quoted(&joined));
                decoder.error(
                    at,
                    message,
                    "of the descriptors in one list each has another key_value: remove one",
                );
            }
            self.nodes.push(node);
        }
    }
}

impl Node {
    fn new(written: At<Descriptor>, file: &str, decoder: &mut Decoder<'_>) -> Option<Self> {
        let At { value: written, node: at } = written;
        let mut level = Level::default();
        level.add(given(written.descriptors), file, decoder);
        let key = key(given(written.key), at, decoder)?;
        let value =
            given(written.value).map(|value| pattern(value.value.0)).filter(|value| !value.is_empty());
        let share = given(written.share_threshold).filter(|share| share.value.0);
        if let Some(share) = &share
            && !value.as_ref().is_some_and(|value| value.contains('*'))
        {
            let message =
                "share_threshold is for values with *: others count together already, or have no others";
            decoder.error(share.node, message, "remove it, or write a value such as \"files/*\"");
        }
        let is_set = |flag: Option<At<OrNull<Flag>>>| given(flag).filter(|flag| flag.value.0);
        let (shadow, quota) = (is_set(written.shadow_mode), is_set(written.quota_mode));
        let (detailed_metric, metadata) = (is_set(written.detailed_metric), given(written.metadata));
        let limit = match given(written.rate_limit) {
            Some(limit) => Some(Limit {
                shadow: shadow.is_some(),
                quota: quota.is_some(),
                detailed_metric: detailed_metric.is_some(),
                metadata: metadata.map(|metadata| metadata.value.0),
                ..Limit::new(limit, decoder)?
            }),
            None => {
                let flags = [shadow, quota, detailed_metric].into_iter().flatten().map(|flag| flag.node);
                for node in flags.chain(metadata.map(|metadata| metadata.node)) {
                    decoder.warn(node, "this has no effect without a rate_limit beside it", "remove it");
                }
                None
            }
        };
        Some(Self {
            key,
            value,
            share: share.is_some(),
            value_metric: is_set(written.value_to_metric).is_some(),
            limit,
            level,
            place: Place::of(at, file, decoder),
        })
    }

    /// Whether its value is a pattern.
    pub(super) fn is_pattern(&self) -> bool {
        self.value.as_ref().is_some_and(|value| value.contains('*'))
    }
}

impl Limit {
    fn new(written: At<RateLimit>, decoder: &mut Decoder<'_>) -> Option<Self> {
        let At { value: written, node: at } = written;
        let name = given(written.name).map(|name| name.value.0).filter(|name| !name.is_empty());
        let replaces = replaced(given(written.replaces), name.as_deref(), decoder);
        let amount = amount(
            given(written.unlimited).is_some_and(|unlimited| unlimited.value.0),
            given(written.unit),
            given(written.unit_multiplier).map(|times| At { value: times.value.0, node: times.node }),
            given(written.requests_per_unit).map(|count| At { value: count.value.0, node: count.node }),
            at,
            decoder,
        );
        Some(Self {
            amount: amount?,
            name,
            replaces,
            shadow: false,
            quota: false,
            detailed_metric: false,
            metadata: None,
        })
    }
}

impl Place {
    fn of(node: NodeId, file: &str, decoder: &Decoder<'_>) -> Self {
        Self { file: short(file), line: decoder.node(node).at.line }
    }
}

/// A value with one * where several side by side mean the same.
fn pattern(mut value: String) -> String {
    while value.contains("**") {
        value = value.replace("**", "*");
    }
    value
}

fn key(written: Option<At<Text>>, descriptor: NodeId, decoder: &mut Decoder<'_>) -> Option<String> {
    let Some(key) = written.filter(|key| !key.value.0.is_empty()) else {
        decoder.error(descriptor, "the key is missing", "write key: NAME, as requests name it");
        return None;
    };
    if key.value.0.len() > MAX_KEY {
        let help = format!("a key has at most {MAX_KEY} bytes");
        decoder.error(key.node, format!("the key {} is too long", quoted(&key.value.0)), help);
        return None;
    }
    if key.value.0.contains('*') {
        let help = "write * in the value only; here the service would take it for a pattern of key and value together";
        decoder.error(key.node, format!("the key {} has a *", quoted(&key.value.0)), help);
        return None;
    }
    Some(key.value.0)
}

fn amount(
    is_unlimited: bool,
    unit: Option<At<Text>>,
    times: Option<At<u32>>,
    count: Option<At<u32>>,
    limit: NodeId,
    decoder: &mut Decoder<'_>,
) -> Option<Amount> {
    if is_unlimited {
        if let Some(node) = unit.map(|unit| unit.node).or(times.map(|times| times.node)) {
            decoder.error(node, "what is unlimited has no unit", "remove unit, or unlimited");
            return None;
        }
        if let Some(count) = count {
            decoder.warn(count.node, "this has no effect: all is unlimited", "remove it, or unlimited");
        }
        return Some(Amount::Unlimited);
    }
    let Some(unit) = unit else {
        decoder.error(limit, "the unit is missing", "write unit: minute, or unlimited: true");
        return None;
    };
    let window = unit::window(&unit.value.0, times.as_ref().map_or(1, |times| times.value));
    let window = match window {
        Ok(window) => window,
        Err((message, help)) => {
            decoder.error(times.map_or(unit.node, |times| times.node), message, help);
            return None;
        }
    };
    if count.is_none() {
        let help = "write it: 0, if that is meant";
        decoder.warn(limit, "without requests_per_unit nothing passes", help);
    }
    Some(Amount::Count(count.map_or(0, |count| count.value), window))
}

/// The names of the limits that are replaced.
fn replaced(
    written: Option<At<Vec<At<Replaced>>>>,
    own: Option<&str>,
    decoder: &mut Decoder<'_>,
) -> Vec<String> {
    let mut names = Vec::new();
    for entry in written.map(|written| written.value).unwrap_or_default() {
        let Some(name) = given(entry.value.name).filter(|name| !name.value.0.is_empty()) else {
            decoder.error(
                entry.node,
                "the name is missing",
                "write - name: NAME, as the other rate_limit has it",
            );
            continue;
        };
        if own == Some(&name.value.0) {
            let message = format!("{} replaces itself", quoted(&name.value.0));
            decoder.error(name.node, message, "write the name of another rate_limit");
        }
        if !names.contains(&name.value.0) {
            names.push(name.value.0);
        }
    }
    names
}
